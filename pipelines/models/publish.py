"""Publishing a build: one DuckDB file with every table, documented, that readers find whole or not at all.

Here: making the file beside its target, anew or from a copy of the last one, verifying it, and putting it in place in
one step. What is in place is never opened for writing. Not here: making the tables, and altering a copy (``alter``).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import duckdb
import msgspec

from pipelines import files
from pipelines.flatten.layout import lake_tables
from pipelines.lake.deleted import DELETED
from pipelines.lake.sources import SOURCES
from pipelines.models.alter import Change, OtherFileError, alter, changes
from pipelines.models.build import Build
from pipelines.models.catalogue import Catalogue
from pipelines.models.publication import Note, Noted, Stamp, take_note, write_note
from pipelines.models.reference import REFERENCE_TABLES
from pipelines.tables import Table, literal, quoted

# Older drivers, as BI tools carry them, read this.
STORAGE_VERSION = "v1.2.0"
# As much as it is allowed to, DuckDB would keep in memory of what it has written, and never look at it again.
MEMORY_BYTES = 2**30
# What is altered leaves gaps, and has what a disk may have done to it: it is written anew if larger, or older.
MOST_GROWN = 1.25
ANEW_SECONDS = 24 * 3600
COPIED_AT_ONCE = 16 * 2**20


def published_tables(catalogue: Catalogue) -> list[Table]:
    """What is published of a build: the marts, the lake and the reference data."""
    return [
        *catalogue.marts,
        *(table.table for table in lake_tables()),
        SOURCES,
        DELETED,
        *(reference.table for reference in REFERENCE_TABLES),
    ]


@dataclass(frozen=True)
class Published:
    """What was put in place: its size, and the tables that were altered in a copy of the last file.

    ``altered`` is None if it was written anew; ``failure`` tells why that was, if altering was tried.
    """

    size_bytes: int
    altered: frozenset[str] | None
    failure: str | None = None


def publish(build: Build, tables: Iterable[Table], target: Path) -> Published:
    """Replace ``target`` by a file with these tables of the build.

    Where little has changed since the build that ``target`` is of, it is a copy of that, altered; but anew once a day,
    so that no damage stays. Whatever fails, the file that was there stays.
    """
    tables = tuple(tables)
    build.share()
    build.close()  # its database spills into the same folder
    made_by = _made_by(tables)
    last = take_note(build.folder.parent, target)
    with placing(target) as beside:
        altered, failure = None, None
        if last and (found := _changes(last, build, tables, made_by)) is not None:
            try:
                _copy(target, last.note.file, beside)
                _alter(build, tables, found, beside)
                altered = frozenset(change.table.qualified_name for change in found)
            except duckdb.InterruptException:
                raise
            except (duckdb.Error, OtherFileError) as error:  # the file is damaged, or this takes too much memory
                beside.unlink(missing_ok=True)
                failure = str(error)
        if altered is None:
            _write_anew(build, tables, beside)
        stamp = Stamp.of(beside.stat())
    anew_bytes, anew_at = stamp.size_bytes, time.time()
    if last and altered is not None:
        anew_bytes, anew_at = last.note.anew_bytes, last.note.anew_at
    write_note(build.folder, Note(stamp, made_by, anew_bytes, anew_at))
    return Published(stamp.size_bytes, altered, failure)


def _made_by(tables: tuple[Table, ...]) -> str:
    """A fingerprint of what shapes the file besides its rows: the tables' declarations, and versions of programs."""
    programs = version("trainyard"), duckdb.__version__, STORAGE_VERSION
    return sha256(msgspec.json.encode([tables, programs])).hexdigest()


def _changes(last: Noted, build: Build, tables: tuple[Table, ...], made_by: str) -> list[Change] | None:
    """What to alter in a copy of the last file; None if one is to be written anew."""
    is_young = time.time() - last.note.anew_at < ANEW_SECONDS
    is_small = last.note.file.size_bytes <= MOST_GROWN * last.note.anew_bytes
    if last.note.made_by == made_by and is_young and is_small:
        return changes(Build(last.build), build, tables)
    return None


def _alter(build: Build, tables: tuple[Table, ...], found: list[Change], path: Path) -> None:
    """Make the file from the copy of the last one that is there."""
    with _writing(build, path) as connection:
        for change in found:
            alter(connection, build, change)
    _verify(build, tables, path)


def _write_anew(build: Build, tables: tuple[Table, ...], path: Path) -> None:
    """Make the file from nothing."""
    with _writing(build, path) as connection:
        for table in tables:
            _create(connection, build, table)
    _verify(build, tables, path)


def _copy(target: Path, stamp: Stamp, beside: Path) -> None:
    """Copy the file that was noted: readers of a bucket put others in its place."""
    with target.open("rb") as source, beside.open("wb") as copied:
        if Stamp.of(os.fstat(source.fileno())) != stamp:
            raise OtherFileError(f"{target} is another file than was noted")
        shutil.copyfileobj(source, copied, COPIED_AT_ONCE)


@contextmanager
def placing(target: Path) -> Iterator[Path]:
    """A path for a file to be made at, whole, which then takes the place of ``target`` in one step."""
    with files.replacing(target) as beside:
        yield beside
        beside.chmod(0o444)
        # A log left beside the old file by a reader that wrote would be replayed into the new one.
        target.with_name(target.name + ".wal").unlink(missing_ok=True)


@contextmanager
def _writing(build: Build, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that uses a published file which is being made, and in the end writes all of it."""
    with build.connect() as connection:
        limit = "least(parse_formatted_bytes(current_setting('memory_limit')), $1)"
        ((limit_bytes,),) = connection.execute(f"select {limit}", [MEMORY_BYTES]).fetchall()
        connection.execute("set memory_limit = $1", [f"{limit_bytes} B"])
        # Without a log of changes: a file of which not all was written is never put in place.
        options = f"storage_version {literal(STORAGE_VERSION)}, recovery_mode no_wal_writes"
        connection.execute(f"attach {literal(str(path))} as warehouse ({options})")
        connection.execute("use warehouse")
        yield connection
        connection.execute("checkpoint warehouse")
        connection.execute("use memory")
        connection.execute("detach warehouse")


def _create(connection: duckdb.DuckDBPyConnection, build: Build, table: Table) -> None:
    """A table with the rows of a build, and what is said of it."""
    name = f"{table.schema}.{quoted(table.name)}"
    connection.execute(f"create schema if not exists {table.schema}")
    connection.execute(f"create table {name} ({table.column_definitions()})")
    connection.execute(f"insert into {name} select {table.column_list()} from ({build.select(table.qualified_name)})")
    comments = [f"comment on table {name} is {literal(table.comment)}"]
    comments += [f"comment on column {name}.{quoted(c.name)} is {literal(c.comment)}" for c in table.columns]
    connection.execute("; ".join(comments))


def _verify(build: Build, tables: tuple[Table, ...], path: Path) -> None:
    """Read the file back: every table with as many rows as in the build, every table and column with its comment."""
    with duckdb.connect(str(path), read_only=True) as connection:
        for table in tables:
            ((found,),) = connection.execute(f"select count(*) from {table.qualified_name}").fetchall()
            rows = build.rows(table.qualified_name)
            if found != rows:
                raise OtherFileError(f"{table.qualified_name} has {rows} rows, and {found} where it is to be published")
        undocumented = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where comment is null union all"
            " select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()"
            " where comment is null and not internal"
        ).fetchall()
        if undocumented:
            raise RuntimeError(f"published without a comment: {undocumented}")
