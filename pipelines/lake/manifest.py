"""What is current in the lake: one small file, replaced in one step, so that all tables change together or not at all.

Here: the manifest's content, reading and replacing it, and the SELECT that reads a table as it says. Not here: making
the files it lists (``commit``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from pipelines import files
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import main_table
from pipelines.tables import Table, literal, quoted


def month_of(instant: float) -> str:
    """The month of an instant in epoch seconds, as partitions have it."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m}"


Key = tuple[str, str, str]


class TableFiles(msgspec.Struct, frozen=True):
    """The files of one table in a partition, by name, and how many rows they hold together."""

    rows: int
    files: tuple[str, ...]


class Partition(msgspec.Struct, frozen=True):
    """The jobs that one account created in one region in one month (UTC, ``YYYY-MM``)."""

    account_id: str
    region: str
    month: str
    tables: dict[str, TableFiles]

    @property
    def key(self) -> Key:
        """Which partition: account, region, month."""
        return self.account_id, self.region, self.month

    def folder(self, lake: Path, table: str) -> Path:
        """Where a table's files are."""
        return lake.joinpath(table, f"account_id={self.account_id}", f"region={self.region}", f"month={self.month}")


class Manifest(msgspec.Struct, frozen=True):
    """The lake's partitions, and the last raw batch of each source that is in them."""

    generation: int = 0
    flattened: dict[str, str] = {}
    partitions: tuple[Partition, ...] = ()

    @property
    def months(self) -> tuple[str, ...]:
        """The months of its partitions, in order."""
        return tuple(sorted({part.month for part in self.partitions}))

    def where(self, is_wanted: Callable[[Partition], bool]) -> Manifest:
        """Some of its partitions."""
        return Manifest(partitions=tuple(filter(is_wanted, self.partitions)))

    def of_tables(self, is_wanted: Callable[[Partition, str], bool]) -> Manifest:
        """Some tables of its partitions."""
        parts = (
            msgspec.structs.replace(
                part, tables={name: held for name, held in part.tables.items() if is_wanted(part, name)}
            )
            for part in self.partitions
        )
        return Manifest(partitions=tuple(part for part in parts if part.tables))

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        return sum(part.tables[table].rows for part in self.partitions if table in part.tables)

    def paths(self, lake: Path, table: str) -> list[Path]:
        """The files of a table."""
        return [
            folder / name
            for part in self.partitions
            if table in part.tables
            for folder in [part.folder(lake, table)]
            for name in part.tables[table].files
        ]

    def all_paths(self, lake: Path) -> set[Path]:
        """The files of all its tables, of which a newer service model may have more than this one."""
        tables = {table for part in self.partitions for table in part.tables}
        return {path for table in tables for path in self.paths(lake, table)}


def read_manifest(lake: Path, remedy: str = "`trainyard rebuild` makes the lake anew") -> Manifest:
    """The manifest in force; an empty one where there is no lake yet. ``remedy``: what to do where it is damaged."""
    path = lake / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TrainyardError(f"{path} is damaged ({error}): {remedy}") from None


def last_generation(lake: Path) -> int:
    """The generation of the manifest in force; 0 where there is none, or none that can be read."""
    return _readable(lake).generation


def _readable(lake: Path) -> Manifest:
    """The manifest in force; an empty one where there is none, or none that can be read."""
    try:
        return read_manifest(lake)
    except TrainyardError:
        return Manifest()


def replace_manifest(lake: Path, manifest: Manifest) -> None:
    """Put a manifest in force. Files that it no longer lists are dated as of now: readers have a while to end."""
    now = {part.key: part for part in manifest.partitions}
    changed = Manifest(partitions=tuple(part for part in _readable(lake).partitions if part != now.get(part.key)))
    instead = Manifest(partitions=tuple(now[part.key] for part in changed.partitions if part.key in now))
    for path in changed.all_paths(lake) - instead.all_paths(lake):
        with suppress(FileNotFoundError):
            os.utime(path)
    files.write_whole(lake / "manifest.json", msgspec.json.format(msgspec.json.encode(manifest)))


def select_table(table: Table, paths: list[Path]) -> str:
    """A SELECT of the table's declared columns over files, which may be of older schemas, or none."""
    columns = table.column_list()
    empty = ", ".join(f"null::{column.type} as {quoted(column.name)}" for column in table.columns)
    if not paths:
        return f"select {empty} where false"
    listed = ", ".join(literal(str(path)) for path in paths)
    return (
        f"select {columns} from (select {empty} where false union all by name "
        f"select * from read_parquet([{listed}], union_by_name = true, hive_partitioning = false))"
    )


def unmodelled_fields(lake: Path, manifest: Manifest) -> Counter[str]:
    """The members of records that the service model does not know, by path, and how many jobs have each.

    An element's position (`[3]`) is no part of the path here: it is `[]`.
    """
    main = main_table()
    with duckdb.connect() as connection:
        held = select_table(main.table, manifest.paths(lake, main.name))
        counted = connection.execute(
            f"""with members as (
                select training_job_arn, unnest(json_keys(unmodelled_fields)) as member
                from ({held})
                where unmodelled_fields is not null
            )
            select regexp_replace(member, '\\[\\d+\\]', '[]', 'g') as path, count(distinct training_job_arn)
            from members
            group by path
            order by path"""
        )
        return Counter(dict(counted.fetchall()))
