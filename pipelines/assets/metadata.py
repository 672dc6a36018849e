"""What Dagster shows of a table: its columns with their sentences, its rows, a few of them to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import dagster as dg

from pipelines.tables import Table
from pipelines.terminal import printable

_MARKUP = re.compile(r"[\\`*<>\[\]|&!]")


def of_table(table: Table) -> dict[str, Any]:
    """Metadata of an asset's definition: the table's columns."""
    columns = [dg.TableColumn(c.name, c.type.lower(), description=c.comment) for c in table.columns]
    return {"dagster/column_schema": dg.TableSchema(columns=columns), "dagster/table_name": table.qualified_name}


def of_rows(rows: int, **others: Any) -> dict[str, Any]:
    """Metadata of a materialization: how many rows there are now."""
    return {"dagster/row_count": rows, **others}


def preview(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.MarkdownMetadataValue:
    """A few rows as a Markdown table."""
    head, *body = [f"| {' | '.join(map(_cell, line))} |" for line in (columns, *rows)]
    return dg.MetadataValue.md("\n".join([head, "| --- " * len(columns) + "|", *body]))


def _cell(value: Any) -> str:
    """A value on one line, cut, of which nothing is Markdown or HTML."""
    return _MARKUP.sub(r"\\\g<0>", printable(" ".join(str(value).split())[:60]))
