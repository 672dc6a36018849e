"""What a job, a file, an account and a run leave behind or take: the constants that no other benchmark tells.

    python -m benchmarks.footprint

Bytes of a job in each layer, what a file costs beyond the rows in it, what an account costs before it is asked
anything, what a run costs that finds nothing to do. Kept in ``results/footprint.json``, whose names carry the units.
Not here: what follows from these for a fleet (``plan``).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import msgspec

from benchmarks.builds import build
from benchmarks.documents import CACHE, documents_file
from benchmarks.lakes import JOBS_A_COPY, lake_home
from benchmarks.measure import RESULTS, report
from pipelines import files
from pipelines.config import Settings, SourceSettings
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.intake import BATCH_DOCUMENTS
from pipelines.harvest.sources import Source, find_sources
from pipelines.home import Home
from pipelines.lake.commit import joined, write_rows
from pipelines.lake.constraints import broken_constraints
from pipelines.lake.manifest import (
    Manifest,
    Partition,
    read_manifest,
    replace_manifest,
    select_table,
    unmodelled_fields,
)
from pipelines.models.begin import begin_build
from pipelines.models.build import SETTLED
from pipelines.simulator.made_fleet import END_SECONDS

SMALL_BATCH_DOCUMENTS = 50
ROUNDS = 3  # medians are taken
MANIFEST_COPIES = 10  # so that what is small is measured on what is not
SOME_ACCOUNTS, MORE_ACCOUNTS = 1, 21
REGIONS = ("us-east-1", "eu-west-1")
DOCUMENTS_OF_A_SMALL_RUN = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.accounts:
        _find_sources(options.accounts)
        return
    made = lake_home(JOBS_A_COPY)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        work = Path(folder)
        home = Home(work / "home")
        shutil.copytree(made.root, home.root, copy_function=os.link)  # nothing alters the files of a lake
        results = {
            "jobs": JOBS_A_COPY,
            **documents(work),
            **lives(home),
            **rows_and_files(home, work),
            **manifests(home, work),
            **one_build(home),
            **lake_checks(home),
            **accounts(),
            **empty_run(work),
        }
    told = {name: value if isinstance(value, int) else float(f"{value:.4g}") for name, value in results.items()}
    (RESULTS / "footprint.json").write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


def documents(work: Path) -> dict[str, float]:
    """Bytes of a document as it comes, and in raw: in full batches, and in those of a frequent look."""
    with documents_file(JOBS_A_COPY).open("rb") as lines:
        some = [Observation(END_SECONDS, line.rstrip(b"\n")) for line in itertools.islice(lines, 4 * BATCH_DOCUMENTS)]

    def bytes_in_raw(batch_documents: int, count: int) -> float:
        archive = RawArchive(work / f"raw-{batch_documents}")
        starts = range(0, count, batch_documents)
        batches = [archive.append("a-source", some[start : start + batch_documents]) for start in starts]
        return _size(batches) / count

    return {
        "document_bytes": sum(len(each.document) for each in some) / len(some),
        "raw_bytes_a_document": bytes_in_raw(BATCH_DOCUMENTS, len(some)),
        "raw_bytes_a_document_of_small_batches": bytes_in_raw(SMALL_BATCH_DOCUMENTS, BATCH_DOCUMENTS),
        "small_batch_documents": SMALL_BATCH_DOCUMENTS,
    }


def lives(home: Home) -> dict[str, float]:
    """How many transitions a job has, and how long it lives."""
    manifest = read_manifest(home.lake)
    jobs = select_table(main_table().table, manifest.paths(home.lake, main_table().name))
    query = f"select avg(epoch(training_end_time - creation_time)) / 3600 from ({jobs})"
    ((hours,),) = duckdb.sql(query).fetchall()
    transitions = manifest.rows("secondary_status_transitions") / manifest.rows(main_table().name)
    return {"transitions_a_job": transitions, "mean_life_hours": hours}


def rows_and_files(home: Home, work: Path) -> dict[str, float]:
    """What rows cost in a lake, and what each file costs besides: the same rows in many files, and in few."""
    one_place = "replace ('000000000000' as account_id, 'us-east-1' as region, '2026-01' as month)"
    many, few = [], []
    for number in range(ROUNDS):
        many.append(_Lake(home, work / f"many-{number}", ""))
        few.append(_Lake(home, work / f"few-{number}", one_place))
    fewer = many[0].files - few[0].files

    def of_a_file(figure: Callable[[_Lake], float]) -> float:
        return (median(map(figure, many)) - median(map(figure, few))) / fewer

    def of_a_job(figure: Callable[[_Lake], float]) -> float:
        return (median(map(figure, few)) - of_a_file(figure) * few[0].files) / JOBS_A_COPY

    return {
        "lake_files_a_partition": many[0].files / many[0].partitions,
        "lake_bytes_a_job": of_a_job(lambda lake: lake.bytes),
        "lake_bytes_a_file": of_a_file(lambda lake: lake.bytes),
        "rewrite_cpu_seconds_a_job": of_a_job(lambda lake: lake.write_cpu_seconds),
        "rewrite_cpu_seconds_a_file": of_a_file(lambda lake: lake.write_cpu_seconds),
        "open_cpu_seconds_a_file": of_a_file(lambda lake: lake.read_cpu_seconds),
    }


class _Lake:
    """The rows of a lake written anew, with columns replaced, and one column of each table read back."""

    def __init__(self, home: Home, lake: Path, replaced: str) -> None:
        self._held = read_manifest(home.lake)
        self._from, self._lake, self._replaced = home.lake, lake, replaced
        self.write_cpu_seconds, made = _cpu_seconds(self._write)
        self.read_cpu_seconds, _ = _cpu_seconds(lambda: _read_all(made, lake))
        paths = made.all_paths(lake)
        self.files, self.bytes, self.partitions = len(paths), _size(paths), len(made.partitions)

    def _write(self) -> Manifest:
        parts: list[Partition] = []
        with duckdb.connect() as connection:
            connection.execute("set threads = 1")  # as a commit
            connection.execute("set preserve_insertion_order = false")
            for table in lake_tables():
                (self._lake / table.name).mkdir(parents=True)
                rows = select_table(table.table, self._held.paths(self._from, table.name))
                select = f"select * {self._replaced} from ({rows})"
                parts += write_rows(connection, self._lake, table, select, "held")
        made = Manifest(partitions=joined(parts))
        files.fsync_all(made.all_paths(self._lake), self._lake)
        return made


def _read_all(manifest: Manifest, lake: Path) -> None:
    with duckdb.connect() as connection:
        for table in lake_tables():
            rows = select_table(table.table, manifest.paths(lake, table.name))
            connection.execute(f"select count(training_job_arn) from ({rows})").fetchall()


def manifests(home: Home, work: Path) -> dict[str, float]:
    """What each file that a manifest lists costs: bytes there and in memory, and the CPU of putting one in force.

    That is what a commit does of it: reading it, joining partitions, replacing it.
    """
    lake = work / "lake-of-manifest"
    lake.mkdir()
    held = read_manifest(home.lake)
    parts = [
        msgspec.structs.replace(part, account_id=f"{number:012d}")
        for number in range(MANIFEST_COPIES)
        for part in held.partitions
    ]
    replace_manifest(lake, Manifest(partitions=joined(parts)))
    listed = len(read_manifest(lake).all_paths(lake))

    def commit() -> None:
        manifest = read_manifest(lake)
        replace_manifest(lake, msgspec.structs.replace(manifest, partitions=joined(manifest.partitions)))

    seconds = median(_cpu_seconds(commit)[0] for _ in range(ROUNDS))
    tracemalloc.start()
    manifest = read_manifest(lake)
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert manifest.partitions
    return {
        "manifest_bytes_a_file": (lake / "manifest.json").stat().st_size / listed,
        "manifest_cpu_seconds_a_file": seconds / listed,
        "manifest_memory_bytes_a_file": memory / listed,
    }


def one_build(home: Home) -> dict[str, float]:
    """The bytes of models for a job; and what a build notes of each file of the lake as it begins."""
    manifest = read_manifest(home.lake)
    listed = len(manifest.all_paths(home.lake))
    begun = begin_build(home, manifest, "begun", datetime.now(UTC), "UTC")
    settled_bytes = (begun.folder / SETTLED).stat().st_size
    shutil.rmtree(begun.folder)
    build(home)
    return {
        "model_bytes_a_job": _size(home.builds.rglob("*.parquet")) / JOBS_A_COPY,
        "settled_bytes_a_file": settled_bytes / listed,
    }


def lake_checks(home: Home) -> dict[str, float]:
    """The checks that each run makes of the lake as a whole."""
    manifest = read_manifest(home.lake)

    def check() -> None:
        unmodelled_fields(home.lake, manifest)
        broken_constraints(home.lake, manifest)

    seconds = median(_cpu_seconds(check)[0] for _ in range(ROUNDS))
    return {"lake_check_cpu_seconds_a_job": seconds / JOBS_A_COPY}


def accounts() -> dict[str, float]:
    """What an account costs before it is asked anything: its session and its clients, one for each region."""
    some, more = (_found(count) for count in (SOME_ACCOUNTS, MORE_ACCOUNTS))
    fewer = MORE_ACCOUNTS - SOME_ACCOUNTS
    return {
        "account_cpu_seconds": (more["cpu_seconds"] - some["cpu_seconds"]) / fewer,
        "account_memory_bytes": (more["peak_mib"] - some["peak_mib"]) / fewer * 2**20,
    }


def _found(count: int) -> dict[str, float]:
    """What finding the sources of so many accounts takes, in a process of its own."""
    made_up = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}  # nobody is asked
    command = [sys.executable, "-m", __spec__.name, "--accounts", f"{count}"]
    child = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ | made_up)
    told: dict[str, float] = json.loads(child.stdout)
    return told


def _find_sources(count: int) -> None:
    def settings(numbers: range) -> Settings:
        roles = (f"arn:aws:iam::{number:012d}:role/trainyard" for number in numbers)
        return Settings(
            home=CACHE / "no-home", sources=tuple(SourceSettings(role_arn=role, regions=REGIONS) for role in roles)
        )

    assert all(isinstance(source, Source) for source in find_sources(settings(range(1))))  # it imports, too
    report(lambda: find_sources(settings(range(1, count + 1))))


def empty_run(work: Path) -> dict[str, float]:
    """A run that finds nothing new: its CPU, and what it adds to Dagster's storage."""
    folder = work / "dagster"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[1] / "dagster.yaml", folder)
    with documents_file(JOBS_A_COPY).open("rb") as lines:
        (folder / "jobs.ndjson").write_bytes(b"".join(itertools.islice(lines, DOCUMENTS_OF_A_SMALL_RUN)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRAINYARD_", "DAGSTER_"))}
    environment = kept | {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "DAGSTER_HOME": str(folder),
        "TRAINYARD_HOME": str(folder / "home"),
    }

    def trainyard(*arguments: str) -> None:
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

    def stored() -> int:
        return _size(path for path in (folder / ".dagster").rglob("*") if path.is_file())

    trainyard("import", "jobs.ndjson")
    trainyard("run", "--no-harvest")
    before = stored()
    began = os.times()
    trainyard("run", "--no-harvest")
    ended = os.times()
    cpu_seconds = ended.children_user + ended.children_system - began.children_user - began.children_system
    return {"dagster_bytes_a_run": stored() - before, "empty_run_cpu_seconds": cpu_seconds}


def _cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Of this process, all threads: unlike the clock on the wall the same beside other work."""
    before = time.process_time()
    given = work()
    return time.process_time() - before, given


def _size(paths: Any) -> int:
    return sum(path.stat().st_size for path in paths)


if __name__ == "__main__":
    main()
