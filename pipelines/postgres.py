"""A copy of the published marts in PostgreSQL, for BI tools that bring a driver for it.

Every publish replaces the rows in the tables that are there, all in one transaction: no statement finds half of it, no
reader waits, and views over the tables, grants and indexes stay. Putting new tables in the place of old ones, by
renaming, writes less and does none of this: a statement resolves its tables one by one, so that it may find some old
and some new.

Here: reading the marts off the published file, and writing them. Not here: what the file holds.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import TrainyardError
from pipelines.query import opened
from pipelines.tables import Column, Table, literal, quoted

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Error

# Of every type that marts have.
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "TIMESTAMP": "timestamp without time zone",
    "VARCHAR": "text",
}
ROWS_AT_ONCE = 20_000
# DuckDB would keep all that it has read, and nothing is read twice.
MEMORY_LIMIT = "1GB"
# Less than the second after which PostgreSQL ends one of two that wait for each other: let it never be a reader.
WAIT_FOR_READERS = "500ms"
LOCK_TIMEOUT, CANCELED = "55P03", "57014"
NO_NUL = "\N{REPLACEMENT CHARACTER}"
# What the comment on a schema begins with that is written here, and no other.
_MARK = "Trainyard's marts"


@dataclass(frozen=True)
class Mirrored:
    """What was written: tables and rows in all; ``warnings`` are lines that tell what is not as one might think."""

    tables: int
    rows: int
    warnings: tuple[str, ...]


def mirror_marts(warehouse: Path, dsn: str, schema: str) -> Mirrored:
    """Write the schema `marts` of the published file into a schema of the database that ``dsn`` names.

    ``dsn`` is what libpq takes: an address or `key=value` pairs. Raises TrainyardError, with nothing of ``dsn`` in it,
    for whatever PostgreSQL refuses; what was there before stays then, whole.
    """
    failure = _failure()
    warnings = []
    with opened(warehouse, memory_limit=MEMORY_LIMIT) as marts, _connected(dsn) as postgres:
        try:
            tables = _marts(marts, schema)
            if not tables:
                raise TrainyardError(f"{warehouse} is none of Trainyard's: `trainyard build` publishes one")
            _hold(postgres, schema)
            others = _prepare(postgres, schema, tables)
            copied = [_replace_rows(marts, postgres, table) for table in tables]
            postgres.commit()
        except failure as error:
            _heed_interrupt(error)
            again = ": readers hold a table that is to be altered: run again" if error.sqlstate == LOCK_TIMEOUT else ""
            raise TrainyardError(f"PostgreSQL refused the mirror: {_told(error)}{again}") from None
        try:
            _tidy(postgres, tables)
        except failure as error:  # the rows are there all the same
            _heed_interrupt(error)
            why = f"the marts are published, but PostgreSQL could not vacuum them ({_told(error)})"
            warnings.append(f"{why}: they take more room until it does; give the role more time, or rely on autovacuum")
    if texts := sum(changed for _, changed in copied):
        warnings.append(f"{texts:,} texts have NUL characters, which PostgreSQL cannot store: {NO_NUL} stands for each")
    if others:
        told = f"tables of the schema {schema} are no marts, and stay as they are: {', '.join(others)}"
        warnings.append(f"{told}: drop those that an earlier version published")
    return Mirrored(len(tables), sum(rows for rows, _ in copied), tuple(warnings))


def _connected(dsn: str) -> Connection:
    from adbc_driver_postgresql.dbapi import connect

    try:
        connection: Connection = connect(dsn)
    except _failure() as error:
        text = _told(error)
        # What libpq says before it has found a server quotes parts of the address, maybe of the password in it.
        _, found, why = text.partition("connection to server ")
        text = found + why
        if not found:
            text = "the address cannot be read, or its host is unknown; what is special in it is written as %40 for @"
        raise TrainyardError(
            f"no connection to PostgreSQL ({text}): name it as postgresql://user@host/database, and keep the password"
            " in ~/.pgpass or PGPASSWORD"
        ) from None
    return connection


def _failure() -> type[Error]:
    """What the driver raises; TrainyardError where there is no driver."""
    try:
        import adbc_driver_postgresql  # noqa: F401
        from adbc_driver_manager.dbapi import Error
    except ImportError:
        raise TrainyardError(
            "PostgreSQL's driver is not installed here: `pip install 'trainyard[postgres]'` installs it"
        ) from None
    return Error


def _told(error: Error) -> str:
    """The server's own sentence, without the statement and the driver's words around it."""
    line = str(error).strip().splitlines()[0]
    return line.partition("ERROR:")[2].strip() or line


def _heed_interrupt(error: Error) -> None:
    """Take Ctrl-C for what it is: the driver took it for itself, to cancel the statement."""
    if error.sqlstate == CANCELED and "user request" in str(error):
        signal.raise_signal(signal.SIGINT)


def _hold(postgres: Connection, schema: str) -> None:
    """Be the only one that writes this schema, until the transaction or the connection ends."""
    ((held,),) = _rows(postgres, f"select pg_try_advisory_xact_lock(hashtextextended({literal(_MARK + schema)}, 0))")
    if not held:
        raise TrainyardError(f"another process is publishing into the schema {schema}: wait until it has ended")


def _marts(marts: duckdb.DuckDBPyConnection, schema: str) -> list[Table]:
    """The tables that PostgreSQL is to have."""
    found = marts.execute(
        "select t.table_name, t.comment, c.column_name, c.data_type, c.comment"
        " from duckdb_tables() as t join duckdb_columns() as c using (table_oid)"
        " where t.schema_name = 'marts' order by t.table_name, c.column_index"
    ).fetchall()
    return _tables(schema, [(*row[:3], TYPES[row[3]], row[4]) for row in found])


def _mirrored(postgres: Connection, schema: str) -> dict[str, Table]:
    """The tables that PostgreSQL has in the schema, by name; comments that are not there are empty."""
    found = _rows(
        postgres,
        "select c.relname::text, coalesce(obj_description(c.oid, 'pg_class'), ''), a.attname::text,"
        " format_type(a.atttypid, a.atttypmod), coalesce(col_description(c.oid, a.attnum), '')"
        " from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        " join pg_attribute as a on a.attrelid = c.oid"
        f" where n.nspname = {literal(schema)} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
        " order by c.relname, a.attnum",
    )
    return {table.name: table for table in _tables(schema, found)}


def _tables(schema: str, found: list[tuple[str, ...]]) -> list[Table]:
    """Tables, of rows that name a table, its comment, a column, its type and its comment."""
    comments = {name: comment for name, comment, *_ in found}
    return [
        Table(schema, name, comment, tuple(Column(*column) for of, _, *column in found if of == name))
        for name, comment in comments.items()
    ]


def _prepare(postgres: Connection, schema: str, tables: list[Table]) -> list[str]:
    """Have the schema, the tables and all comments as they are to be; give the names of other tables in there."""
    _see_that_it_is_ours(postgres, schema)
    there = _mirrored(postgres, schema)
    _run(postgres, f"set local lock_timeout = {literal(WAIT_FOR_READERS)}")
    for table in tables:
        for statement in _changes(table, there.get(table.name)):
            _run(postgres, statement)
    _run(postgres, "set local lock_timeout to default")
    # Whether a user made them cannot be told for certain.
    return sorted(there.keys() - {table.name for table in tables})


def _see_that_it_is_ours(postgres: Connection, schema: str) -> None:
    """Make the schema if it is not there; raise TrainyardError where it holds what was not written here."""
    found = _rows(
        postgres,
        "select coalesce(obj_description(oid, 'pg_namespace'), ''),"
        " exists (select from pg_class where relnamespace = n.oid)"
        f" from pg_namespace as n where nspname = {literal(schema)}",
    )
    if not found:
        _run(postgres, f"create schema {quoted(schema)}")
    elif found[0][0].startswith(_MARK):
        return
    elif found[0][1]:
        raise TrainyardError(f"the schema {schema} holds something else: name another one with --schema")
    _run(postgres, f"comment on schema {quoted(schema)} is {literal(_MARK + ', replaced by each publish')}")


def _changes(wanted: Table, found: Table | None) -> Iterator[str]:
    """What makes a table what is wanted; its rows are replaced anyway, so that a column may be made anew."""
    name = _name(wanted)
    if not found:
        yield f"create table {name} ({wanted.column_definitions()})"
        found = replace(wanted, comment="", columns=tuple(replace(column, comment="") for column in wanted.columns))
    types = {column.name: column.type for column in wanted.columns}
    kept = {column.name: column for column in found.columns if types.get(column.name) == column.type}
    for column in found.columns:
        if column.name not in kept:
            yield f"alter table {name} drop column {quoted(column.name)}"
    for column in wanted.columns:
        if column.name not in kept:
            yield f"alter table {name} add column {quoted(column.name)} {column.type}"
    if found.comment != wanted.comment:
        yield f"comment on table {name} is {literal(wanted.comment)}"
    for column in wanted.columns:
        if column.name not in kept or kept[column.name].comment != column.comment:
            yield f"comment on column {name}.{quoted(column.name)} is {literal(column.comment)}"


def _replace_rows(marts: duckdb.DuckDBPyConnection, postgres: Connection, table: Table) -> tuple[int, int]:
    """Replace a table's rows by those of the mart; give how many there are, and how many texts were changed."""
    _run(postgres, f"delete from {_name(table)}")
    rows = marts.execute(f"select {table.column_list()} from marts.{quoted(table.name)}").to_arrow_reader(ROWS_AT_ONCE)
    changed = 0

    def storable() -> Iterator[pa.RecordBatch]:
        nonlocal changed
        for batch in rows:
            batch, texts = _without_nul(batch)
            changed += texts
            yield batch

    with postgres.cursor() as cursor:
        copied = cursor.adbc_ingest(
            table.name,
            pa.RecordBatchReader.from_batches(rows.schema, storable()),
            mode="append",
            db_schema_name=table.schema,
        )
    return copied, changed


def _without_nul(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """A batch whose texts PostgreSQL can store, and how many of them were changed for that."""
    changed = 0
    for position, field in enumerate(batch.schema):
        if pa.types.is_string(field.type):
            texts = batch.column(position)
            having = pc.match_substring(texts, "\0").true_count
            if having:
                changed += having
                batch = batch.set_column(position, field, pc.replace_substring(texts, "\0", NO_NUL))
    return batch, changed


def _tidy(postgres: Connection, tables: list[Table]) -> None:
    """Free the room of the rows that were replaced for the next ones, and have the planner know the new ones."""
    postgres.adbc_connection.set_autocommit(True)
    # Giving room back to the system would lock readers out for a moment, and the next publish wants it.
    _run(postgres, f"vacuum (analyze, truncate false) {', '.join(map(_name, tables))}")


def _name(table: Table) -> str:
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def _run(postgres: Connection, statement: str) -> None:
    with postgres.cursor() as cursor:
        cursor.execute(statement)


def _rows(postgres: Connection, query: str) -> list[tuple[str, ...]]:
    with postgres.cursor() as cursor:
        cursor.execute(query)
        found: list[tuple[str, ...]] = cursor.fetchall()
        return found
