"""What is stopped in the sweeps: the steps of the main job as its assets take them, on a small fleet and small models.

Here: the runs, what a data directory holds, and that its published file is whole. Not here: where they are stopped.
"""

import os
import uuid
from pathlib import Path

import duckdb

from pipelines.bucket.prune import prune_bucket
from pipelines.config import Settings, SourceSettings
from pipelines.flatten.layout import lake_tables
from pipelines.harvest.archive import RawArchive, last_looks
from pipelines.harvest.file_import import import_files
from pipelines.harvest.harvest import harvest
from pipelines.harvest.redact import Redactor
from pipelines.home import Home, working_copy
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.lake.prune import prune
from pipelines.lake.sources import SOURCES, select_sources
from pipelines.models.build import prune_builds, start_build
from pipelines.models.catalogue import Catalogue
from pipelines.models.context import CONTEXT
from pipelines.models.publish import publish
from tests.main_job import lake, published

SOURCE = SourceSettings(role_arn="arn:aws:iam::111122223333:role/trainyard", regions=("us-east-1", "us-west-2"))
# Of the lake's tables, those that the models read: publishing all 25 takes most of a run's time.
PUBLISHED = ("training_jobs", "secondary_status_transitions")


def is_mine(document: dict) -> bool:
    """Whether a job of a fleet is of the two sources."""
    _, _, _, region, account, _ = document["TrainingJobArn"].split(":", 5)
    return account == "111122223333" and region in SOURCE.regions


def settings_of(home: Path) -> Settings:
    """Two sources of one account."""
    return Settings(home=home, sources=(SOURCE,), calls_per_second=1000)


def harvested(home: Path) -> None:
    """The first step; a source that fails ends the run."""
    with Home(home).writing():
        failed = [outcome.error for outcome in harvest(settings_of(home)) if outcome.error]
    assert not failed, failed


def imported(home: Path, file: Path) -> None:
    """The import of a file, as the command does it."""
    with Home(home).writing():
        import_files(RawArchive(Home(home).raw), [file], Redactor())


def built(home: Path, catalogue: Catalogue) -> None:
    """The last steps: build and publish what the lake holds."""
    where = Home(home)
    manifest = read_manifest(where.lake)
    tables = [table.table for table in lake_tables()]
    inputs = {t.qualified_name: select_table(t, manifest.paths(where.lake, t.name)) for t in tables}
    inputs[SOURCES.qualified_name] = select_sources(where)
    inputs[CONTEXT.qualified_name] = (
        "select 'by hand' as build_id, timestamp '2026-01-01' as built_at, 0 as documents_quarantined"
    )
    build = start_build(where.builds / f"build-{os.getpid()}", inputs, {})
    for bound in catalogue.models:
        build.run(bound)
        assert not [result for result in build.check(bound) if result.violations]
    with where.writing():
        chosen = [table for table in tables if table.name in PUBLISHED]
        publish(build, [*(bound.table for bound in catalogue.models), *chosen, SOURCES], where.warehouse)
        prune_builds(where.builds)
        prune(where)
        prune_bucket(where)


def main_job(home: Path, catalogue: Catalogue) -> None:
    """All steps."""
    harvested(home)
    load(Home(home))
    built(home, catalogue)


def held(home: Path) -> dict:
    """What a data directory holds: the lake's rows, those published, and until when each source is known."""
    home = elsewhere(home)
    where = Home(home)
    lakes = {f"lake.{name}": _sorted(rows) for name, rows in lake(where).items()}
    return lakes | _in_warehouse(where.warehouse) | {"looks": last_looks(home)}


def elsewhere(home: Path) -> Path:
    """A data directory as another machine finds it: in a new working copy, if it is in a bucket."""
    if not (url := Home(home).url):
        return home
    other = Home(working_copy(url, home.parent / f"elsewhere-{uuid.uuid4().hex}"))
    other.pull(with_lake=True)
    other.pull_warehouse()
    return other.root


def files_of(home: Path) -> list[Path]:
    """The files of a data directory, but for the lock."""
    return [path for path in home.rglob("*") if path.is_file() and path.stat().st_size]


def part(holding: dict, schema: str) -> dict:
    """Of what a data directory holds, the tables of a schema."""
    return {name: rows for name, rows in holding.items() if name.startswith(f"{schema}.")}


def in_warehouse(home: Path) -> dict:
    """The rows published, or nothing; raises where the file cannot be read, or is not of one build."""
    return _in_warehouse(Home(elsewhere(home)).warehouse)


def _in_warehouse(warehouse: Path) -> dict:
    if not warehouse.exists():
        return {}
    marts = published(warehouse)
    ((jobs, rows),) = _asked(warehouse, "select any_value(jobs), count(*) from marts.totals, lake.training_jobs")
    assert jobs == rows == len(marts["jobs"])
    assert warehouse.stat().st_mode & 0o777 == 0o444
    return {f"marts.{name}": _sorted(rows) for name, rows in marts.items() if name != "build_info"}


def _asked(warehouse: Path, sql: str) -> list:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _sorted(rows: list[dict]) -> list[str]:
    return sorted(map(repr, rows))
