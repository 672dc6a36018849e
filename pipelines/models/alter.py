"""What is altered in a copy of a published file to make it that of a later build: cheaper where little has changed.

From build to build most files of Parquet stay. Of the others, rows that are not as they were are removed by their keys,
and the new ones put in. Here: what has changed, whether that is little enough, and altering. Not here: where the copy
comes from, and verifying it (``publish``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.lake.manifest import select_table
from pipelines.models.build import Build
from pipelines.models.parts import WHOLE
from pipelines.tables import Table, quoted

# With more of the bytes in other files than before, the file is sooner written anew.
MOST_CHANGED = 0.25


class OtherFileError(Exception):
    """A file is not of the build that it was taken for."""


@dataclass(frozen=True)
class Change:
    """A table some of whose rows may differ: those in the files ``gone`` and ``come``, or any of them."""

    table: Table
    gone: tuple[Path, ...] | None = None
    come: tuple[Path, ...] | None = None


def changes(before: Build, build: Build, tables: Iterable[Table]) -> list[Change] | None:
    """The tables that may differ between two builds; None if too much does, or the earlier one lacks its files."""
    found = []
    changed_bytes = all_bytes = 0
    for table in tables:
        then, now = before.paths(table.qualified_name), build.paths(table.qualified_name)
        if then is None or now is None:
            if _identity(before, table) != _identity(build, table):
                found.append(Change(table))
            continue
        gone, come = sorted(set(then) - set(now)), sorted(set(now) - set(then))
        if not all(path.exists() for path in gone):
            return None
        changed_bytes += _bytes([*gone, *come]) // 2
        all_bytes += _bytes(now)
        if gone or come:
            found.append(Change(table, tuple(gone), tuple(come)) if table.key else Change(table))
    return found if changed_bytes <= MOST_CHANGED * all_bytes else None


def alter(connection: duckdb.DuckDBPyConnection, build: Build, change: Change) -> None:
    """Make the rows of a table, in the database that is in use, those of a build.

    Raises OtherFileError if it does not have all rows that are to be removed.
    """
    table, columns = change.table, change.table.column_list()
    name = f"{table.schema}.{quoted(table.name)}"
    if change.gone is None or change.come is None:
        connection.execute(f"delete from {name}")
        connection.execute(f"insert into {name} select {columns} from ({build.select(table.qualified_name)})")
        return
    key = ", ".join(map(quoted, table.key))
    gone, come = (select_table(table, list(paths)) for paths in (change.gone, change.come))
    # Of rows as wide as those of the lake, hashes take far less memory.
    hashed_gone, hashed_come = (f"select {key}, hash(t) from ({rows}) as t" for rows in (gone, come))
    connection.execute(f"create or replace temp table gone as select {key} from ({hashed_gone} except {hashed_come})")
    connection.execute(f"create or replace temp table come as select {key} from ({hashed_come} except {hashed_gone})")
    removed = connection.execute(f"delete from {name} as t using gone as k where {_same(connection, 'gone', table)}")
    ((removed_rows,),) = removed.fetchall()
    ((gone_rows,),) = connection.execute("select count(*) from gone").fetchall()
    if removed_rows != gone_rows:
        raise OtherFileError(f"{table.qualified_name} has {removed_rows} of {gone_rows} rows that are to be removed")
    of_come = f"({come}) as t semi join come as k on {_same(connection, 'come', table)}"
    connection.execute(f"insert into {name} select {columns} from {of_come}")


def _same(connection: duckdb.DuckDBPyConnection, keys: str, table: Table) -> str:
    """The condition that row `t` has the key of row `k`, by `=` where no key is null: that lets DuckDB skip rows."""
    nulls = ", ".join(f"count(*) > count({quoted(column)})" for column in table.key)
    (has_nulls,) = connection.execute(f"select {nulls} from {keys}").fetchall()
    return " and ".join(
        f"t.{quoted(column)} {'is not distinct from' if is_null else '='} k.{quoted(column)}"
        for column, is_null in zip(table.key, has_nulls, strict=True)
    )


def _identity(build: Build, table: Table) -> str | None:
    found = build.input(table.qualified_name, WHOLE)
    return found.identity if found else None


def _bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
