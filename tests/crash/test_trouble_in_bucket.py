"""What ``test_signals``, ``test_full`` and ``test_damage`` hold for a data directory on disk holds for one in a bucket.

What is left, and what mends it, is looked at from another machine, whose working copy is new. Of each kind one is
tried; with `--whole-sweep` (`make sweep`) all.
"""

import os
import signal

import pytest

from pipelines.home import Home, working_copy
from tests import bucket
from tests.crash import runs
from tests.crash.boundaries import Boundary, copy, forked, full_after_bytes, result, run, stopped
from tests.crash.commands import trainyard
from tests.crash.test_full import check, fail
from tests.crash.test_kill import is_new, is_old_or_new

pytestmark = pytest.mark.forks

whole_sweep_only = pytest.mark.whole_sweep


@pytest.fixture
def world(world_in_bucket, monkeypatch):
    monkeypatch.setenv("TRAINYARD_SOURCES", f"[{runs.SOURCE.model_dump_json()}]")
    return world_in_bucket


@pytest.fixture
def home(world):
    """As the first run left it."""
    return copy(world.before, world.here("home"))


@pytest.fixture
def elsewhere(home, tmp_path):
    """The same on a machine that has no working copy yet."""
    cache = tmp_path / "other machine"
    cache.mkdir()
    return working_copy(Home(home).url, cache)


@pytest.mark.parametrize(
    ("sent", "boundary"),
    [
        (signal.SIGINT, "answered PUT lake/…/*.parquet"),
        pytest.param(signal.SIGTERM, "send PUT builds/…/settled.json", marks=whole_sweep_only),
    ],
)
def test_a_signal(world, home, elsewhere, sent, boundary):
    """Another machine need not wait until the lease has run out."""
    ended = stopped(trainyard("run"), home, Boundary(boundary, 1), lambda _: os.kill(os.getpid(), sent))
    assert (ended.signal, ended.code) == (0, 128 + sent), ended.output
    assert ended.output.splitlines()[-1] == f"trainyard: ended by {sent.name}: run it again to go on"
    for step in (is_old_or_new(world), world.main_job, is_new(world)):
        run(step, elsewhere)


@pytest.mark.parametrize(
    "boundary", ["duckdb copy", pytest.param("open lake/.manifest.json.#.tmp", marks=whole_sweep_only)]
)
def test_a_full_disk(world, home, boundary):
    ended = stopped(trainyard("run"), home, Boundary(boundary, 1), fail)
    assert "No space left on device" in check(ended, home, world)


@whole_sweep_only
def test_a_disk_with_no_room_for_what_is_published(world, home):
    line = check(full_after_bytes(trainyard("run"), home, 1_000_000), home, world)
    assert "large" in line or "run again" in line, line


@pytest.mark.parametrize(
    "name",
    [
        "lake/manifest.json",
        *(pytest.param(name, marks=whole_sweep_only) for name in ("/settled.json", "warehouse.duckdb")),
    ],
)
def test_a_bucket_that_refuses(world, home, name):
    bucket.faults.append(("PUT", name, "denied"))
    try:
        ended = forked(trainyard("run"), home)
    finally:
        bucket.faults.clear()
    assert "allow it in IAM" in check(ended, home, world)


def largest(home, start, end):
    """The name of the largest of the objects whose names begin and end so."""
    found = {name: len(content) for name, content in bucket.objects(Home(home).url).items()}
    return max((name for name in found if name.startswith(start) and name.endswith(end)), key=found.get)


def cut(home, name):
    """Leave half of an object in the bucket."""
    bucket.replace(Home(home).url, name, lambda content: content[: len(content) // 2])


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("lake/secondary_status_transitions/", ".parquet"),
        pytest.param("lake/", "manifest.json", marks=whole_sweep_only),
    ],
)
def test_a_damaged_object_of_the_lake(world, home, elsewhere, start, end):
    name = largest(home, start, end)
    cut(home, name)
    ended = forked(trainyard("build"), elsewhere)
    assert ended.code == 1, ended.output
    line = ended.output.splitlines()[-1]
    assert line.startswith("trainyard: ")
    assert str(elsewhere / name) in line
    assert "`trainyard rebuild`" in line
    rebuilt = forked(trainyard("rebuild"), elsewhere)
    assert rebuilt.code == 0, rebuilt.output
    run(world.main_job, home)
    run(is_new(world), home)


def test_a_damaged_object_of_raw(world, home, elsewhere):
    """What else is in raw counts; what is lost is said, and what to remove so as to get it again."""
    name = largest(home, "raw/source=", ".ndjson.zst")
    cut(home, name)
    rebuilt = forked(trainyard("rebuild"), elsewhere)
    assert rebuilt.code == 0, rebuilt.output
    address = f"{Home(home).url}/{name}"
    (line,) = [line for line in rebuilt.output.splitlines() if "warning" in line and address in line]
    assert "move" in line
    folder, _, _ = name.rpartition("/")
    for later in [each for each in bucket.objects(Home(home).url) if each.startswith(folder) and each >= name]:
        bucket.remove(Home(home).url, later)
    run(runs.harvested, elsewhere)
    rebuilt = forked(trainyard("rebuild"), elsewhere)
    assert rebuilt.code == 0, rebuilt.output
    assert "warning" not in rebuilt.output
    held = result(runs.held, elsewhere)
    seen_later = "lake.training_jobs"
    assert len(held[seen_later]) == len(world.new[seen_later])
    assert {name: rows for name, rows in held.items() if rows != world.new[name]}.keys() <= {seen_later}
