"""A build: every model of one state of the lake, as Parquet in a folder of its own that nothing alters afterwards.

Here: starting one (what its inputs are is settled then), running and checking a model, and removing old builds. All of
its state is in the folder, so each step may be another process. Not here: making the published file (``publish``).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import msgspec

from pipelines import files
from pipelines.errors import TrainyardError
from pipelines.models.catalogue import BoundModel
from pipelines.models.time_zone import UTC, define_time_functions
from pipelines.tables import literal

BUILDS_KEPT = 3
# A younger build may still be going on.
GRACE_SECONDS = 6 * 3600
SAMPLE_ROWS = 5
MADE_WHOLE = "a build is made whole, by the job `refresh` or `trainyard build`"


@dataclass(frozen=True)
class Rows:
    """Some rows of a relation, with the names of its columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class CheckResult:
    """How many rows violate a check, and a few of them."""

    name: str
    violations: int
    sample: Rows


class Settled(msgspec.Struct, frozen=True):
    """What is settled as a build begins: the relations that are no models (name -> SELECT), the zone of buckets.

    And the Parquet files of the lake's, for engines that read them by themselves.
    """

    inputs: dict[str, str]
    time_zone: str
    files: dict[str, list[str]] = {}


@dataclass(frozen=True)
class Build:
    """A build in ``folder``, whose name is its id."""

    folder: Path

    @property
    def build_id(self) -> str:
        """Later builds sort later."""
        return self.folder.name

    @property
    def settled(self) -> Settled:
        """What its models are run on."""
        return msgspec.json.decode((self.folder / "settled.json").read_bytes(), type=Settled)

    def path(self, model: str) -> Path:
        """The file of a model, named ``schema.name``."""
        schema, name = model.split(".")
        return self.folder / schema / f"{name}.parquet"

    def select(self, relation: str) -> str:
        """A SELECT of the rows of any of its relations; raises TrainyardError for a model that was not run."""
        if select := self.settled.inputs.get(relation):
            return select
        path = self.path(relation)
        if not path.exists():
            raise TrainyardError(f"{relation} was not made in this run: {MADE_WHOLE}")
        # Spark writes a folder of files.
        return f"select * from read_parquet({literal(str(path / '*.parquet' if path.is_dir() else path))})"

    def run(self, bound: BoundModel) -> int:
        """Materialize a model from the relations it reads; return the number of its rows."""
        with self._connected(bound.model.dependencies) as connection, files.replacing(self.path(bound.name)) as beside:
            copied = f"copy (\n{bound.model.sql}\n) to {literal(str(beside))} (format parquet, compression zstd)"
            ((rows,),) = connection.execute(copied).fetchall()
        return int(rows)

    def check(self, bound: BoundModel) -> list[CheckResult]:
        """What each check of a materialized model finds."""
        with self._connected({*bound.model.dependencies, bound.name}) as connection:
            results = []
            for check in bound.model.checks:
                counted = connection.execute(f"select count(*) from ({check.violations})").fetchall()
                sample = _rows(connection, check.violations) if counted[0][0] else Rows((), ())
                results.append(CheckResult(check.name, counted[0][0], sample))
        return results

    def sample(self, relation: str) -> Rows:
        """A few rows of a relation."""
        with duckdb.connect() as connection:
            return _rows(connection, self.select(relation))

    def _connected(self, relations: Iterable[str]) -> duckdb.DuckDBPyConnection:
        """A database in memory that sees these relations, and spills into the build's folder."""
        connection = duckdb.connect()
        connection.execute("set temp_directory = $1", [str(self.folder / ".spilled")])
        connection.execute("set preserve_insertion_order = false")
        define_time_functions(connection, self.settled.time_zone)
        for relation in relations:
            connection.execute(f"create schema if not exists {relation.split('.')[0]}")
            connection.execute(f"create view {relation} as {self.select(relation)}")
        return connection


def start_build(
    folder: Path,
    inputs: Mapping[str, str],
    tables: Mapping[str, str],
    time_zone: str = UTC,
    lake_files: Mapping[str, Iterable[Path]] = MappingProxyType({}),
) -> Build:
    """Begin a build: its inputs are SELECTs, and ``tables`` are SELECTs whose rows are kept as they are now.

    Those inputs that are the lake's tables are of ``lake_files``.
    """
    build = Build(folder)
    with duckdb.connect() as connection:
        for relation, select in tables.items():
            with files.replacing(build.path(relation)) as beside:
                connection.execute(f"copy ({select}) to {literal(str(beside))} (format parquet)")
    listed = {relation: [str(path) for path in paths] for relation, paths in lake_files.items()}
    files.write_whole(folder / "settled.json", msgspec.json.encode(Settled(dict(inputs), time_zone, listed)))
    return build


def prune_builds(folder: Path, now: float | None = None) -> int:
    """Remove all but the latest builds; return how many."""
    before = (time.time() if now is None else now) - GRACE_SECONDS
    builds = sorted(path for path in folder.glob("*") if path.is_dir())
    old = [build for build in builds[:-BUILDS_KEPT] if build.stat().st_mtime < before]
    for build in old:
        shutil.rmtree(build)
    return len(old)


def _rows(connection: duckdb.DuckDBPyConnection, select: str) -> Rows:
    cursor = connection.execute(f"select * from ({select}) limit {SAMPLE_ROWS}")
    return Rows(tuple(column[0] for column in cursor.description or ()), tuple(cursor.fetchall()))
