"""What ``test_kill`` holds for a data directory on disk holds for one in a bucket, whose requests are boundaries too.

What must hold is looked at from another machine, whose working copy is new. Of the boundaries a few are tried; with
`--whole-sweep` (`make sweep`) every one.
"""

import json
import signal
import time
from functools import partial

import pytest

from pipelines.bucket import lease
from pipelines.bucket.prune import prune_bucket
from pipelines.home import Home, working_copy
from pipelines.lake.load import load, reload
from pipelines.lake.prune import GRACE_SECONDS, prune
from pipelines.models.build import prune_builds
from pipelines.refresh import Part, refresh
from tests import bucket
from tests.crash import runs
from tests.crash.boundaries import Boundary, copy, forked, result, run, stopped, wrong_after
from tests.crash.test_kill import is_new, is_old_or_new
from tests.few_models import MODELS
from tests.main_job import lake

pytestmark = pytest.mark.forks

whole_sweep_only = pytest.mark.whole_sweep


@pytest.fixture
def world(world_in_bucket):
    return world_in_bucket


def some(*labels):
    """Choose the last boundary of each of these kinds."""

    def chosen(found):
        last = {boundary.label: boundary for boundary in found}
        return [last[label] for label in labels]

    return chosen


def is_whole(check):
    """The check, and that of each build in the bucket that seems whole every file is there."""

    def checked(home):
        check(home)
        there = read_from_bucket(Home(home).url, "builds/")
        for name in [name for name in there if name.endswith("/settled.json")]:
            listed = json.loads(there[name.replace("settled", "files")]())
            assert listed.keys() == {model.replace("__", ".") for model in MODELS}, name
            assert {f"builds/{file}" for parts in listed.values() for file in parts.values()} <= there.keys(), name

    return checked


def read_from_bucket(url, below):
    """The objects below an address whose names begin so: by name, what reads each."""
    client, prefix = bucket.client(), url.removeprefix(f"s3://{bucket.NAME}/")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket.NAME, Prefix=f"{prefix}/{below}")
    keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
    return {
        key.removeprefix(f"{prefix}/"): lambda key=key: client.get_object(Bucket=bucket.NAME, Key=key)["Body"].read()
        for key in keys
    }


def test_a_run_on_top_of_an_earlier_one(world, sweep):
    choose = some("send PUT lake/…/*.parquet", "answered PUT lake/manifest.json")
    sweep(world.main_job, world.before, is_whole(is_old_or_new(world)), is_new(world), choose, world.here)


@whole_sweep_only
def test_on_another_machine(world, sweep):
    """The second run is on a machine that has no working copy yet."""

    start = world.here("elsewhere")
    bucket.copy(Home(world.before).url, Home(start).url)
    start.mkdir(parents=True)
    sweep(world.main_job, start, is_old_or_new(world), is_new(world), some("send GET lake/…/*.parquet"), world.here)


def test_the_assets_themselves(world, tmp_path):
    """The steps as Dagster takes them, killed before the last of a build is in the bucket, and again elsewhere.

    There what the lease says of the dead holds until it has run out.
    """

    def job(home):
        assert not refresh(runs.settings_of(home), Part.ALL, print)

    home = copy(world.before, world.here("home"))
    ended = stopped(job, home, Boundary("send PUT builds/…/settled.json", 1))
    assert ended.signal == signal.SIGKILL, ended
    url, other = Home(home).url, working_copy(Home(home).url, tmp_path / "other machine")
    assert "has been writing" in forked(job, other).output
    bucket.age(url, ".writer.json", lease.LEASE_SECONDS + 1)
    assert not wrong_after(ended, "build", other, is_whole(is_old_or_new(world)), job, is_whole(is_new(world)))


@whole_sweep_only
def test_a_first_run(world, sweep):
    def check_killed(home):
        assert runs.in_warehouse(home) in ({}, runs.part(expected, "marts"))

    whole = world.here("whole")
    run(world.main_job, whole)
    expected = result(runs.held, whole)

    def check_again(home):
        held = runs.held(home)
        assert held == expected, {name for name in expected if held.get(name) != expected[name]}

    sweep(world.main_job, world.here("none"), check_killed, check_again, some("answered PUT .writer.json"), world.here)


@whole_sweep_only
def test_a_rebuild(world, sweep):
    def check(home):
        assert runs.part(runs.held(home), "lake") == runs.part(world.new, "lake")

    choose = some("send PUT lake/manifest.json")
    sweep(lambda home: reload(Home(home)), world.after, check, check, choose, world.here)


@whole_sweep_only
def test_an_import(world, sweep, tmp_path):
    file = tmp_path / "jobs.ndjson"
    file.write_text("".join(json.dumps(document) + "\n" for document in world.documents))

    def check_again(home):
        load(Home(home))
        assert len(lake(Home(runs.elsewhere(home)))["training_jobs"]) == len(world.documents)

    choose = some("answered PUT raw/…/#.ndjson.zst")
    sweep(partial(runs.imported, file=file), world.here("none"), lambda home: None, check_again, choose, world.here)


@whole_sweep_only
def test_a_prune(world, sweep):
    """Of a lake that was made anew, so that all files of the old one are to go."""

    def pruned(home):
        later = time.time() + 2 * GRACE_SECONDS
        prune(Home(home), later)
        prune_builds(Home(home).builds, later)
        prune_bucket(Home(home), later)

    start = copy(world.after, world.here("rebuilt"))
    run(lambda home: reload(Home(home)), start)
    sweep(pruned, start, is_new(world), is_new(world), some("send POST "), world.here)
