"""Killed at any boundary and run again, the main job ends as if it had not been; what is published is always whole.

Of each kind of boundary the first and the last are tried; with `--whole-sweep` (`make crash-sweep`) every one.
"""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.harvest.archive import RawArchive
from pipelines.harvest.file_import import import_files
from pipelines.harvest.redact import Redactor
from pipelines.home import Home
from pipelines.lake.load import load, reload
from pipelines.lake.prune import GRACE_SECONDS, prune
from pipelines.refresh import Part, refresh
from tests.crash import runs
from tests.crash.boundaries import boundaries, copy, forked, killed_after_bytes, run, samples, stopped


@pytest.fixture
def chosen(request):
    """Which of a run's boundaries are tried."""
    return (lambda found: found) if request.config.getoption("--whole-sweep") else samples


def sweep(points, case):
    """Try ``case`` at each point, two at a time; all that fails is told."""
    assert points
    with ThreadPoolExecutor(2) as pool:
        failures = [failure for failure in pool.map(case, points) if failure]
    print(f"{len(points)} faults")
    assert not failures, "\n".join(failures)


def killed_and_run_again(job, point, start, home, old, new):
    """What is wrong with a data directory after a kill, or after the run that follows it; None if nothing is."""
    if start.exists():
        copy(start, home)
    ended = stopped(job, home, point) if isinstance(point, tuple) else killed_after_bytes(job, home, point)

    def check_killed(home):
        held = runs.held(home)
        assert runs.part(held, "marts.") in (runs.part(old, "marts."), runs.part(new, "marts.")), "torn marts"
        assert runs.part(held, "lake.") in (runs.part(old, "lake."), runs.part(new, "lake.")), "torn lake"

    def check_again(home):
        held = runs.held(home)
        assert held == new, {name for name in new if held.get(name) != new[name]}

    for step in (check_killed, job, check_again):
        after = forked(step, home)
        if (after.signal, after.code) != (0, 0):
            return f"{point} ({ended}): {after.output}"
    return None


def test_the_second_run(world, tmp_path, chosen):
    found = boundaries(world.main_job, copy(world.before, tmp_path / "dry"))
    print(len(found), "boundaries")

    def case(numbered):
        number, point = numbered
        return killed_and_run_again(world.main_job, point, world.before, tmp_path / f"{number}", world.old, world.new)

    sweep(list(enumerate(chosen(found))), case)
