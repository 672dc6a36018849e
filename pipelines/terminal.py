"""Text and tables on a terminal: what is shown is never obeyed, and tables are never narrower than their content.

Not here: what is in them.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_WIDEST = 10_000


def printable(text: str) -> str:
    r"""The text with each character that a terminal obeys, or that cannot be seen, as an escape: ``\x1b``, ``\n``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def new_table(*columns: str) -> Table:
    """An empty table with these columns."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(_plain(column), no_wrap=True)
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain text."""
    table.add_row(*map(_plain, cells))


def _plain(text: str) -> Text:
    """Text as it is: what looks like rich's markup is none."""
    return Text(printable(text))


def print_table(console: Console, table: Table) -> None:
    """Print a table; a wide one runs over the edge, where its columns can still be read: folded they could not."""
    options = console.options.update(width=_WIDEST)
    console.width = max(console.width, Measurement.get(console, options, table).maximum)
    console.print(table)
