"""Killed at any boundary and run again, a run ends as if it had not been; what is published is whole at every moment.

Of each kind of boundary one is tried; with `--whole-sweep` (`make sweep`) every one.
"""

import json
import signal
import time
from datetime import UTC, datetime
from functools import partial

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.merge import FEW, merge_months
from pipelines.home import Home
from pipelines.lake.load import load, reload
from pipelines.lake.prune import GRACE_SECONDS, prune
from pipelines.models.build import prune_builds
from pipelines.refresh import Part, refresh
from tests.crash import runs
from tests.crash.boundaries import (
    Boundary,
    copy,
    killed_after_bytes,
    kind_of,
    result,
    run,
    samples,
    stopped,
    wrong_after,
)
from tests.main_job import lake

pytestmark = pytest.mark.forks

ARN = "arn:aws:sagemaker:eu-west-1:012345678901:training-job/"


def is_old_or_new(world):
    """A check that lake and warehouse each are as before the run or as after it."""

    def check(home):
        held = runs.held(home)
        for schema in ("lake", "marts"):
            assert runs.part(held, schema) in [runs.part(world.old, schema), runs.part(world.new, schema)], schema

    return check


def is_new(world):
    """A check that a data directory holds what it does after a run that was not killed."""

    def check(home):
        held = runs.held(home)
        assert held == world.new, {name for name in world.new if held.get(name) != world.new[name]}

    return check


def test_a_run_on_top_of_an_earlier_one(world, sweep):
    sweep(world.main_job, world.before, is_old_or_new(world), is_new(world))


def test_a_first_run(world, sweep, tmp_path):
    whole = tmp_path / "whole"
    run(world.main_job, whole)
    expected = result(runs.held, whole)

    def check_killed(home):
        assert runs.in_warehouse(home) in ({}, runs.part(expected, "marts"))

    def check_again(home):
        held = runs.held(home)
        assert held == expected, {name for name in expected if held.get(name) != expected[name]}

    def few(found):
        """Where a first file comes into force."""
        return [point for point in samples(found) if point.label.startswith("os.rename") and point.occurrence == 1]

    sweep(world.main_job, tmp_path / "none", check_killed, check_again, few)


def test_a_rebuild(world, sweep):
    def check(home):
        assert runs.part(runs.held(home), "lake") == runs.part(world.new, "lake")

    sweep(lambda home: reload(Home(home)), world.after, check, check)


def test_an_import(world, sweep, tmp_path):
    file = tmp_path / "jobs.ndjson"
    file.write_text("".join(json.dumps(document) + "\n" for document in world.documents))

    def check_again(home):
        load(Home(home))
        assert len(lake(Home(home))["training_jobs"]) == len(world.documents)

    sweep(partial(runs.imported, file=file), tmp_path / "none", lambda home: None, check_again)


def test_a_prune(world, sweep):
    def pruned(home):
        later = time.time() + 2 * GRACE_SECONDS
        prune(Home(home), later)
        prune_builds(Home(home).builds, later)

    sweep(pruned, world.after, is_new(world), is_new(world))


def test_merging_raw(sweep, tmp_path):
    start = tmp_path / "start"
    run(filled, start)
    received, rows = result(in_raw, start), result(lambda home: lake(Home(home)), start)

    def check(home):
        assert in_raw(home) == received

    def check_again(home):
        check(home)
        assert len(RawArchive(Home(home).raw).batches("here")) < 3 * FEW
        reload(Home(home))
        assert lake(Home(home)) == rows

    sweep(lambda home: merge_months(Home(home)), start, check, check_again)


def filled(home):
    """Leave many batches in each of some months, and a lake of them."""
    archive = RawArchive(Home(home).raw)
    for month in range(5, 8):
        for day in range(1, 2 * FEW):
            at = datetime(2026, month, day, tzinfo=UTC).timestamp()
            line = json.dumps({"TrainingJobArn": f"{ARN}{day}", "CreationTime": at, "LastModifiedTime": at}).encode()
            archive.append("here", [Observation(at, line)], round(at * 1e6))
    load(Home(home))


def in_raw(home):
    """All lines of a source, in their order."""
    archive = RawArchive(Home(home).raw)
    return [line for batch in archive.batches("here") for line in archive.read(batch)]


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_in_the_middle_of_writing_a_file(world, tmp_path, part):
    """What DuckDB and Arrow write, Python does not see: the run dies where a file would pass a part of its length."""
    written = [path for path in runs.files_of(world.after) if path.suffix in (".parquet", ".duckdb")]
    longest = {kind_of(path.relative_to(world.after)): path.stat().st_size for path in written}
    wrong = []
    for size in sorted({int(part * length) - 1 for length in longest.values()}):
        home = copy(world.before, tmp_path / f"{size}")
        ended = killed_after_bytes(world.main_job, home, size)
        assert ended.signal == signal.SIGXFSZ, ended
        wrong.append(wrong_after(ended, size, home, is_old_or_new(world), world.main_job, is_new(world)))
    assert not list(filter(None, wrong)), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("where", ["lake/manifest.json", "builds/…/*.parquet", "warehouse.duckdb"])
def test_the_assets_themselves(world, tmp_path, where):
    """The steps as Dagster takes them, in the job of the command and the schedule."""

    def job(home):
        assert not refresh(runs.settings_of(home), Part.ALL, print)

    home = copy(world.before, tmp_path / "home")
    ended = stopped(job, home, Boundary(f"os.rename {where}", 1))
    assert ended.signal == signal.SIGKILL, ended
    assert not wrong_after(ended, where, home, is_old_or_new(world), job, is_new(world))
