"""Publishing a build: one DuckDB file with every table, documented, that readers find whole or not at all.

Here: making the file beside its target, verifying it, and putting it in place in one step. It is never opened for
writing again. Not here: making the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines import files
from pipelines.flatten.layout import lake_tables
from pipelines.lake.deleted import DELETED
from pipelines.lake.sources import SOURCES
from pipelines.models.build import Build
from pipelines.models.catalogue import Catalogue
from pipelines.models.reference import REFERENCE_TABLES
from pipelines.tables import Table, literal, quoted

# Older drivers, as BI tools carry them, read this.
STORAGE_VERSION = "v1.2.0"
# As much as it is allowed to, DuckDB would keep in memory of what it has written, and never look at it again.
MEMORY_BYTES = 2**30


def published_tables(catalogue: Catalogue) -> list[Table]:
    """What is published of a build: the marts, the lake and the reference data."""
    return [
        *catalogue.marts,
        *(table.table for table in lake_tables()),
        SOURCES,
        DELETED,
        *(reference.table for reference in REFERENCE_TABLES),
    ]


def publish(build: Build, tables: Iterable[Table], target: Path) -> int:
    """Replace ``target`` by a file with these tables of the build; return its size in bytes.

    Whatever fails, the file that was there stays.
    """
    tables = tuple(tables)
    build.share()
    with placing(target) as beside:
        rows = _write(build, tables, beside)
        _verify(tables, rows, beside)
    return target.stat().st_size


@contextmanager
def placing(target: Path) -> Iterator[Path]:
    """A path for a file to be made at, whole, which then takes the place of ``target`` in one step."""
    with files.replacing(target) as beside:
        yield beside
        beside.chmod(0o444)
        # A log left beside the old file by a reader that wrote would be replayed into the new one.
        target.with_name(target.name + ".wal").unlink(missing_ok=True)


def _write(build: Build, tables: tuple[Table, ...], path: Path) -> dict[str, int]:
    """Write the file and return the rows of each table."""
    rows = {}
    build.close()  # its database spills into the same folder
    with build.connect() as connection:
        limit = "least(parse_formatted_bytes(current_setting('memory_limit')), $1)"
        ((limit_bytes,),) = connection.execute(f"select {limit}", [MEMORY_BYTES]).fetchall()
        connection.execute("set memory_limit = $1", [f"{limit_bytes} B"])
        # Without a log of changes: a file of which not all was written is never put in place.
        options = f"storage_version {literal(STORAGE_VERSION)}, recovery_mode no_wal_writes"
        connection.execute(f"attach {literal(str(path))} as warehouse ({options})")
        connection.execute("use warehouse")
        for schema in sorted({table.schema for table in tables}):
            connection.execute(f"create schema {schema}")
        for table in tables:
            name = f"{table.schema}.{quoted(table.name)}"
            connection.execute(f"create table {name} ({table.column_definitions()})")
            select = f"select {table.column_list()} from ({build.select(table.qualified_name)})"
            ((rows[table.qualified_name],),) = connection.execute(f"insert into {name} {select}").fetchall()
            comments = [f"comment on table {name} is {literal(table.comment)}"]
            comments += [f"comment on column {name}.{quoted(c.name)} is {literal(c.comment)}" for c in table.columns]
            connection.execute("; ".join(comments))
        connection.execute("checkpoint warehouse")
        connection.execute("use memory")
        connection.execute("detach warehouse")
    return rows


def _verify(tables: tuple[Table, ...], rows: dict[str, int], path: Path) -> None:
    """Read the file back: every table with its rows, every table and column with its comment."""
    with duckdb.connect(str(path), read_only=True) as connection:
        for table in tables:
            ((found,),) = connection.execute(f"select count(*) from {table.qualified_name}").fetchall()
            if found != rows[table.qualified_name]:
                raise RuntimeError(
                    f"{table.qualified_name} was written with {rows[table.qualified_name]} rows, has {found}"
                )
        undocumented = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where comment is null union all"
            " select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()"
            " where comment is null and not internal"
        ).fetchall()
        if undocumented:
            raise RuntimeError(f"published without a comment: {undocumented}")
