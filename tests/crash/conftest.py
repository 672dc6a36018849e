"""A small fleet at two instants, and a data directory as a first run left it."""

import os
from types import SimpleNamespace

import pytest

from pipelines import definitions
from pipelines.harvest import intake, search
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests.crash import runs
from tests.crash.boundaries import copy, result, run
from tests.main_job import CREDENTIALS

END = 1_790_812_800
DAY = 86_400


@pytest.fixture(scope="package", autouse=True)
def small_models(tmp_path_factory):
    """The main job has few and small models here."""
    folder = tmp_path_factory.mktemp("sql")
    catalogue = runs.catalogue_of(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(definitions, "shipped", lambda _: folder)
        yield catalogue


@pytest.fixture(scope="package")
def world(tmp_path_factory, small_models):
    """The simulated service a day after the first run.

    ``before``: a data directory as the first run left it, which holds ``old``; ``after``: as the second run leaves it,
    which holds ``new``. ``documents``: all that the service has.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "TRAINYARD_", "DAGSTER_"))]:
            patch.delenv(name)
        # Small pages and batches, so that few jobs are several of each.
        patch.setattr(search, "PAGE_JOBS", 3)
        patch.setattr(intake, "BATCH_DOCUMENTS", 6)
        folder = tmp_path_factory.mktemp("crash")
        made = made_documents(seed=11, jobs=600, end=END)
        fleet = [job for job in made if job["LastModifiedTime"] > END - 12 * DAY and runs.is_mine(job)]
        with Simulator(Fleet(fleet)) as simulator:
            surroundings = CREDENTIALS | {"AWS_CONFIG_FILE": os.devnull, "AWS_ENDPOINT_URL": simulator.url}
            for name, value in surroundings.items():
                patch.setenv(name, value)
            world = SimpleNamespace(
                simulator=simulator,
                documents=fleet,
                main_job=lambda home: runs.main_job(home, small_models),
                before=folder / "before",
                after=folder / "after",
            )
            end = simulator.now
            simulator.set_time(end - 2 * DAY)
            run(world.main_job, world.before)
            simulator.set_time(end)
            copy(world.before, world.after)
            run(world.main_job, world.after)
            world.old, world.new = result(runs.held, world.before), result(runs.held, world.after)
            yield world
