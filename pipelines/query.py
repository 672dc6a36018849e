"""Asking the published warehouse: one statement, read-only, its rows as a table for people or as a format for programs.

Not here: what the warehouse holds.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import duckdb
from rich.console import Console

from pipelines.errors import TrainyardError
from pipelines.tables import literal
from pipelines.terminal import add_row, new_table, print_table, printable

ROWS_SHOWN = 1_000


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


_COPY_OPTIONS = {
    Format.csv: "format csv, header",
    Format.json: "format json, array true",
    Format.parquet: "format parquet, compression zstd",
}


# What DuckDB says of a file that is not as it was written.
_DAMAGED = (
    "not a valid DuckDB database file",
    "Corrupt database",
    "checksum",
    "Could not read enough bytes",
    "INTERNAL",
)


def write_answer(warehouse: Path, sql: str, output: Format) -> None:
    """Write the rows of a SELECT to standard output; raises TrainyardError for what DuckDB refuses."""
    try:
        # Through a file, for Parquet is not written front to back.
        with tempfile.TemporaryDirectory() as folder, opened(warehouse, folder) as connection:
            statements = connection.extract_statements(sql)
            if len(statements) != 1:
                raise TrainyardError(f"one SELECT is asked at a time, not {len(statements)}")
            if output is Format.table:
                _write_table(connection.execute(statements[0]))
            else:
                _write_file(connection, statements[0].query, output, Path(folder) / "answer")
    except duckdb.Error as error:
        raise TrainyardError(" ".join(str(error).split())) from None


@contextmanager
def opened(
    warehouse: Path, folder: str | None = None, memory_limit: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only; raises TrainyardError where it is absent or damaged, or another process writes to it.

    What is asked of it reaches no other file, but those of ``folder``. ``memory_limit``: of DuckDB, as ``1GB``.
    """
    if not warehouse.exists():
        raise TrainyardError(f"there is no {warehouse} yet: `trainyard run` publishes it")
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            connection.execute("set allowed_directories = $1", [[folder] if folder else []])
            if memory_limit:
                connection.execute("set memory_limit = $1", [memory_limit])
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            yield connection
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        is_of_query = isinstance(error, duckdb.ProgrammingError | duckdb.DataError)  # which quotes the SQL
        if not is_of_query and any(sign in text for sign in _DAMAGED):
            raise TrainyardError(f"{warehouse} is damaged ({text}): `trainyard build` publishes it anew") from None
        if "lock on file" in text:
            raise TrainyardError(f"{warehouse} is open for writing elsewhere: end that ({text})") from None
        raise


def _write_table(cursor: duckdb.DuckDBPyConnection) -> None:
    rows = cursor.fetchmany(ROWS_SHOWN)
    table = new_table(*(name for name, *_ in cursor.description or ()))
    for position, column in enumerate(table.columns):
        first = next((row[position] for row in rows if row[position] is not None), None)
        if isinstance(first, int | float | Decimal) and not isinstance(first, bool):
            column.justify = "right"
    for row in rows:
        add_row(table, *map(_shown, row))
    print_table(Console(), table)
    if cursor.fetchone():
        Console(stderr=True).print(f"the first {ROWS_SHOWN:,} rows; `--format csv` writes them all")


def _shown(value: object) -> str:
    """A value as people read it: of a double the fifteen digits that it holds for sure."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.15g}"
    return str(value)


def _write_file(connection: duckdb.DuckDBPyConnection, statement: str, output: Format, path: Path) -> None:
    is_seen = sys.stdout.isatty()
    if is_seen and output is Format.parquet:
        raise TrainyardError("Parquet is nothing to read: write it to a file, as with `> answer.parquet`")
    connection.execute(f"copy (from query({literal(statement)})) to {literal(str(path))} ({_COPY_OPTIONS[output]})")
    if is_seen:
        with path.open(encoding="utf-8", newline="\n") as lines:
            sys.stdout.writelines(printable(line[:-1]) + "\n" for line in lines)
    else:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
