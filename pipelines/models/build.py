"""A build: every model of one state of the lake, as Parquet files, listed in a folder that no later build alters.

Here: starting one (what its inputs are is settled then), running and checking a model, and removing what no build needs
any more. All of its state is on the disk, so each step may be another process. Not here: which parts a lake has
(``parts``), and making the published file (``publish``).

    builds/<build>/settled.json                   its inputs
    builds/<build>/<schema>/<name>.json           the files of a model
    builds/models/<schema>/<name>/<part>-<fingerprint>.parquet

Where other machines are to see it, ``builds/<build>/files.json`` stands for the lists of all models.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec

from pipelines import files
from pipelines.config import Engine
from pipelines.errors import TrainyardError
from pipelines.lake.manifest import select_table
from pipelines.lake.prune import GRACE_SECONDS
from pipelines.models.catalogue import BoundModel
from pipelines.models.functions import define_functions, functions
from pipelines.models.model import Check
from pipelines.models.parts import WHOLE, LakeFiles, Parts, Stretch
from pipelines.models.time_zone import UTC
from pipelines.tables import literal, quoted

BUILDS_KEPT = 3
SAMPLE_ROWS = 5
# The rows of a part are too few for a query to take more than one core.
PARTS_AT_ONCE = min(4, os.cpu_count() or 1)
MADE_WHOLE = "a build is made whole, by the job `refresh` or `trainyard build`"

SETTLED, FILES = "settled.json", "files.json"
_KEPT = "models"
# A stretch is of months `YYYY-MM`, a model by month of rows with their first day.
_MONTH = "strftime(month, '%Y-%m')"

T = TypeVar("T")


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

    def joined(self, more: CheckResult) -> CheckResult:
        """The same of both, with the first sample that there is."""
        return CheckResult(self.name, self.violations + more.violations, (self if self.violations else more).sample)


class Input(msgspec.Struct, frozen=True):
    """A relation that is no model: a SELECT of its rows, and its ``identity``, which changes whenever they do.

    ``paths``: the files of a table of the lake, for engines that read them by themselves.
    """

    select: str
    identity: str
    paths: list[str] | None = None


class Settled(msgspec.Struct, frozen=True):
    """What is settled as a build begins: the relations that are no models, those of each part, the zone of buckets.

    ``stretches``: of months, by name, one for each part.
    """

    inputs: dict[str, Input]
    parts: dict[str, dict[str, Input]]
    time_zone: str
    # Builds of before had none.
    stretches: dict[str, Stretch] = msgspec.field(default_factory=lambda: Parts().stretches)


@dataclass(frozen=True)
class Build:
    """A build in ``folder``, whose name is its id; DuckDB takes up to ``memory_limit`` and then spills.

    The engine runs the models; all else is DuckDB's.

    A model has one file, or one for each part of the lake if it is incremental, or for each stretch of months if it is
    so by month. A file that passed the checks is kept beside the builds under a name that stands for all it was made
    from: later builds that would make it again take it.
    """

    folder: Path
    memory_limit: str | None = None
    engine: Engine = Engine.duckdb

    @property
    def build_id(self) -> str:
        """Later builds sort later."""
        return self.folder.name

    @cached_property
    def settled(self) -> Settled:
        """What its models are run on."""
        return msgspec.json.decode((self.folder / SETTLED).read_bytes(), type=Settled)

    def files(self, model: str) -> dict[str, Path]:
        """The files of a model, named ``schema.name``, by part; raises TrainyardError if it was not run."""
        builds = self.folder.parent
        return {part: builds / name for part, name in self._listed(model).items()}

    def files_of(self, model: str, part: str) -> tuple[list[Path], str]:
        """The files with the rows of a part of a model, and the condition that selects these; "" if all do.

        A model that is not made in such parts is read whole or, for a stretch of months, by its column ``month``.
        """
        texts, condition = self._texts(model, part)
        # Where no file has such rows, any tells the columns.
        return list(texts) or list(self.files(model).values())[:1], condition

    def input(self, relation: str, part: str) -> Input | None:
        """A relation that is no model, or what is of a part in it; None for a model."""
        return self.settled.parts.get(part, {}).get(relation) or self.settled.inputs.get(relation)

    def select(self, relation: str, part: str = WHOLE) -> str:
        """A SELECT of the rows of any of its relations; of a part's, where the relation has parts.

        Raises TrainyardError for a model that was not run.
        """
        if found := self.input(relation, part):
            return found.select
        paths, condition = self.files_of(relation, part)
        return f"select * from {_parquet(paths)}" + (f" where {condition}" if condition else "")

    def paths(self, relation: str) -> list[Path] | None:
        """The files with all rows of a relation; None for an input that has no files of its own."""
        if found := self.input(relation, WHOLE):
            return None if found.paths is None else [Path(path) for path in found.paths]
        return list(self.files(relation).values())

    def run(self, bound: BoundModel) -> int:
        """Materialize a model from the relations it reads; return the number of its rows."""
        made: dict[str, Path] = {}
        due: dict[str, Path] = {}
        for part in self._parts(bound):
            name = f"{part}-{self._fingerprint(bound, part)}.parquet"
            kept = self._kept(bound.name) / name
            try:
                os.utime(kept)  # it is as good as new: not to be removed before this build's list is there
                made[part] = kept
            except FileNotFoundError:
                made[part] = due[part] = self._list(bound.name).with_suffix("") / name
        if due:
            self._make(bound, due)
        self._write_list(bound.name, made)
        return self.rows(bound.name)

    def rows(self, relation: str) -> int:
        """How many rows a relation has."""
        paths = self.paths(relation)
        if paths:
            listed = ", ".join(literal(str(path)) for path in paths)
            count = f"select sum(num_rows)::bigint from parquet_file_metadata([{listed}])"
        else:
            count = f"select count(*) from ({self.select(relation)})"
        ((rows,),) = self._database.execute(count).fetchall()
        return int(rows)

    def check(self, bound: BoundModel) -> list[CheckResult]:
        """What each check finds in the files of a model that this build made; they are kept if that is nothing."""
        listed = self.files(bound.name)
        own = {part: path for part, path in listed.items() if self.folder in path.parents}

        def violated(part: str, connection: duckdb.DuckDBPyConnection) -> list[CheckResult]:
            return [_checked(connection, check) for check in bound.model.checks]

        found = [CheckResult(check.name, 0, Rows((), ())) for check in bound.model.checks]
        for of_part in self._by_part({*bound.model.dependencies, bound.name}, own, violated):
            found = [before.joined(more) for before, more in zip(found, of_part, strict=True)]
        if own and not any(result.violations for result in found):
            self._write_list(bound.name, listed | dict(self._keep(bound.name, own)))
        return found

    def sample(self, relation: str) -> Rows:
        """A few rows of a relation."""
        return _rows(self._database, self.select(relation))

    def ask(self, sql: str, relation: str) -> list[tuple[Any, ...]]:
        """The rows of a SELECT over one of its relations."""
        return self._showing(WHOLE, {relation: self.select(relation)}).execute(sql).fetchall()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new database in memory that keeps to the limit, and spills into the build's folder."""
        connection = duckdb.connect()
        connection.execute("set temp_directory = $1", [str(self.folder / ".spilled")])
        connection.execute("set preserve_insertion_order = false")
        if self.memory_limit:
            connection.execute("set memory_limit = $1", [self.memory_limit])
        return connection

    def close(self) -> None:
        """Free what its database holds; whatever is asked of it later makes another."""
        for views in self.__dict__.pop("_views", {}).values():
            views.connection.close()
        if database := self.__dict__.pop("_database", None):
            database.close()

    def share(self) -> None:
        """Let other machines see the build, if they are to: it is whole, and there once its inputs are."""
        if not files.are_shared(self.folder):
            return
        index = self.folder / FILES
        models = [".".join(path.with_suffix("").parts[-2:]) for path in sorted(self.folder.glob("*/*.json"))]
        made = {model: self.files(model) for model in models}
        listed = {
            model: {part: str(path.relative_to(self.folder.parent)) for part, path in parts.items()}
            for model, parts in made.items()
        }
        files.write_whole(index, msgspec.json.encode(listed))
        paths = {path for parts in made.values() for path in parts.values()}
        files.share([*paths, *self.folder.glob("[!.]*/*.parquet"), index], last=self.folder / SETTLED)

    def _parts(self, bound: BoundModel) -> Iterable[str]:
        if bound.model.is_by_month:
            return self.settled.stretches
        return self.settled.parts if bound.model.is_incremental else (WHOLE,)

    def _texts(self, model: str, part: str) -> tuple[dict[Path, str], str]:
        """As ``files_of``, each file with a text that changes whenever its rows of this part do."""
        if own := self._listed(model).get(part):  # of many parts each is asked for: no path is made of the others
            path = self.folder.parent / own
            return {path: path.name}, ""
        first, end = self.settled.stretches.get(part, (None, None))
        if not (first or end):
            return {path: path.name for path in self.files(model).values()}, ""
        if model not in self._months:
            self._months[model] = self._find_months(self.files(model))
        texts: dict[Path, list[str]] = {}
        for month, path, text in self._months[model]:
            if (first or month) <= month and (not end or month < end):
                texts.setdefault(path, []).append(text)
        bounds = [f"month {sign} date '{month}-01'" for sign, month in ((">=", first), ("<", end)) if month]
        return {path: " ".join(found) for path, found in texts.items()}, " and ".join(bounds)

    @cached_property
    def _months(self) -> dict[str, list[tuple[str, Path, str]]]:
        return {}

    def _find_months(self, listed: Mapping[str, Path]) -> list[tuple[str, Path, str]]:
        """The months of a model's files, each with a text for its rows: their digest, if all are made at once."""
        if WHOLE in listed:
            path = listed[WHOLE]
            digests = _digests(self._database, f"select * from {_parquet([path])}", _MONTH)
            return [(month, path, text) for month, text in digests]
        months = f"select distinct month, filename from {_parquet(listed.values(), ', filename = true')}"
        rows = self._database.execute(f"select {_MONTH} as month, filename from ({months}) order by all").fetchall()
        return [(month, Path(name), Path(name).name) for month, name in rows]

    def _fingerprint(self, bound: BoundModel, part: str) -> str:
        """Of all that the rows of a part of a model come from."""
        read = {}
        for relation in sorted(bound.model.dependencies):
            found = self.input(relation, part)
            read[relation] = found.identity if found else " ".join(self._texts(relation, part)[0].values())
        made_from = [self.engine, duckdb.__version__, functions(self.settled.time_zone), bound.model.sql, read]
        return sha256(msgspec.json.encode(made_from)).hexdigest()[:20]

    def _make(self, bound: BoundModel, due: Mapping[str, Path]) -> None:
        """Write parts of a model to these files."""
        for path in due.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.engine is Engine.spark:
            from pipelines.spark.engine import write_model  # Spark is an extra

            for part, path in due.items():
                write_model(self, bound, part, path)
            return

        def copy(part: str, connection: duckdb.DuckDBPyConnection) -> None:
            to = literal(str(due[part]))
            connection.execute(f"copy (\n{bound.model.sql}\n) to {to} (format parquet, compression zstd)")

        self._by_part(bound.model.dependencies, due, copy)

    def _keep(self, model: str, own: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
        """Move files to where later builds find them."""
        folder = self._kept(model)
        folder.mkdir(parents=True, exist_ok=True)
        files.fsync_all(own.values(), self.folder)
        for part, path in own.items():
            yield part, path.replace(folder / path.name)
        files.fsync(folder)

    def _listed(self, model: str) -> dict[str, str]:
        """As ``files``, as paths from the folder that the builds are in."""
        try:
            return msgspec.json.decode(self._list(model).read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            raise TrainyardError(f"{model} was not made in this run: {MADE_WHOLE}") from None

    def _list(self, model: str) -> Path:
        schema, name = model.split(".")
        return self.folder / schema / f"{name}.json"

    def _write_list(self, model: str, made: Mapping[str, Path]) -> None:
        listed = {part: str(path.relative_to(self.folder.parent)) for part, path in made.items()}
        files.write_whole(self._list(model), msgspec.json.encode(listed))

    def _kept(self, model: str) -> Path:
        return self.folder.parent / _KEPT / model.replace(".", "/")

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """A database in memory until ``close``, which spills into the build's folder.

        One for all models: most of them take less time than the making of a database.
        """
        connection = self.connect()
        connection.execute("set enable_external_file_cache = false")  # no model's memory is another's burden
        return connection

    @cached_property
    def _views(self) -> dict[str, _Views]:
        return {}

    def _by_part(
        self,
        relations: Iterable[str],
        parts: Iterable[str],
        work: Callable[[str, duckdb.DuckDBPyConnection], T],
    ) -> list[T]:
        """What ``work`` gives of each part, in a connection where these relations have its rows; some at once."""
        selects = [{relation: self.select(relation, part) for relation in relations} for part in parts]
        # There before threads ask for them: from Python 3.12 on, two would make one each.
        _ = self._database, self._views
        with ThreadPoolExecutor(PARTS_AT_ONCE) as threads:
            at_work = [
                threads.submit(lambda part, shown: work(part, self._showing(part, shown)), part, shown)
                for part, shown in zip(parts, selects, strict=True)
            ]
            try:
                return [each.result() for each in at_work]
            except BaseException:  # of one part, or a signal's: what others are at is in vain
                for each in at_work:
                    each.cancel()
                while wait(at_work, timeout=0.1).not_done:  # a query that has just begun is interrupted next time
                    for views in list(self._views.values()):
                        views.connection.interrupt()
                raise

    def _showing(self, part: str, selects: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
        """A connection of a part alone, with views of these relations, which stay for models that come later."""
        if part not in self._views:
            connection = self._database.cursor()
            connection.execute(f"attach ':memory:' as {quoted(part)}")
            connection.execute(f"use {quoted(part)}")
            define_functions(connection, self.settled.time_zone)
            self._views[part] = _Views(connection)
        views = self._views[part]
        for relation, select in selects.items():
            if views.selects.get(relation) != select:
                views.connection.execute(f"create schema if not exists {relation.split('.')[0]}")
                views.connection.execute(f"create or replace view {relation} as {select}")
                views.selects[relation] = select
        return views.connection


@dataclass(frozen=True)
class _Views:
    """A connection, and what it has views of: SELECTs by relation."""

    connection: duckdb.DuckDBPyConnection
    selects: dict[str, str] = field(default_factory=dict)


def start_build(
    folder: Path,
    inputs: Mapping[str, str | LakeFiles],
    tables: Mapping[str, str],
    parts: Parts | None = None,
    time_zone: str = UTC,
) -> Build:
    """Begin a build: inputs are SELECTs or files of the lake, of ``tables`` the rows are kept as they are now."""
    parts = parts or Parts()
    build = Build(folder)
    settled = {relation: _input_of(select, folder) for relation, select in inputs.items()}
    of_parts = {
        part: {relation: _input_of(select, folder) for relation, select in parts.inputs.get(part, {}).items()}
        for part in parts.months
    }
    with duckdb.connect() as connection:
        for relation, select in tables.items():
            path = folder / f"{relation.replace('.', '/')}.parquet"
            with files.replacing(path) as beside:
                connection.execute(f"copy ({select}) to {literal(str(beside))} (format parquet)")
            kept = f"select * from read_parquet({literal(str(path))})"
            has_parts = relation in parts.tables and len(parts.months) > 1
            digests = _digests(connection, kept, "month" if has_parts else "''")
            settled[relation] = Input(kept, " ".join(text for _, text in digests))
            for part, months in parts.months.items() if has_parts else ():
                of_part = f"{kept} where month in ({', '.join(map(literal, months))})"
                of_parts[part][relation] = Input(of_part, " ".join(text for month, text in digests if month in months))
    content = Settled(settled, of_parts, time_zone, parts.stretches)
    files.write_whole(folder / SETTLED, msgspec.json.encode(content))
    return build


def _input_of(source: str | LakeFiles, folder: Path) -> Input:
    """An input whose identity is the same on every machine, wherever that has the data directory."""
    if isinstance(source, LakeFiles):
        select, paths = select_table(source.table, source.paths), [str(path) for path in source.paths]
    else:
        select, paths = source, None
    # Of its paths alone: the rest is text, in which the folder's name may stand for anything.
    below = literal(f"{folder.parents[1]}/")[:-1]
    return Input(select, select.replace(below, "'"), paths)


def prune_builds(folder: Path, now: float | None = None) -> int:
    """Remove all but the latest builds, and the files of models that none of these lists; return how many builds."""
    before = (time.time() if now is None else now) - GRACE_SECONDS
    builds = [path for path in sorted(folder.glob("*")) if path.is_dir() and path.name != _KEPT]
    # One that was killed as it began, or while it was removed, has no inputs: it goes with the old ones.
    kept = [path for path in builds if (path / SETTLED).exists()][-BUILDS_KEPT:]
    old = [path for path in builds if path not in kept and path.stat().st_mtime < before]
    for path in old:
        shutil.rmtree(path)
    listed = {
        folder / name
        for path in folder.glob("*/*/*.json")
        for name in msgspec.json.decode(path.read_bytes(), type=dict[str, str]).values()
    }
    for path in folder.glob(f"{_KEPT}/*/*/*.parquet"):
        if path not in listed and path.stat().st_mtime < before:
            path.unlink()
    return len(old)


def _digests(connection: duckdb.DuckDBPyConnection, select: str, month: str) -> list[tuple[str, str]]:
    """A digest of the rows of each value of ``month``, whatever their order."""
    # A sum needs no order, and counts twice what is there twice.
    digests = f"select {month}, count(*) || ' ' || sum(hash(t)) from ({select}) as t group by 1 order by 1"
    return connection.execute(digests).fetchall()


def _parquet(paths: Iterable[Path], options: str = "") -> str:
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}]{options})"


def _checked(connection: duckdb.DuckDBPyConnection, check: Check) -> CheckResult:
    """What a check finds in the relations that a connection sees."""
    ((violations,),) = connection.execute(f"select count(*) from ({check.violations})").fetchall()
    return CheckResult(check.name, violations, _rows(connection, check.violations) if violations else Rows((), ()))


def _rows(connection: duckdb.DuckDBPyConnection, select: str) -> Rows:
    cursor = connection.execute(f"select * from ({select}) limit {SAMPLE_ROWS}")
    return Rows(tuple(column[0] for column in cursor.description or ()), tuple(cursor.fetchall()))
