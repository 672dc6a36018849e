"""Tables on a terminal: never narrower than their content. Not here: what is in them."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 10_000


def new_table(*columns: str) -> Table:
    """An empty table with these columns."""
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for column in table.columns:
        column.no_wrap = True
    return table


def print_table(console: Console, table: Table) -> None:
    """Print a table; a wide one runs over the edge, where its columns can still be read: folded they could not."""
    options = console.options.update(width=_WIDEST)
    console.width = max(console.width, Measurement.get(console, options, table).maximum)
    console.print(table)
