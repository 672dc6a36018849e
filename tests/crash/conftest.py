"""A small fleet at two instants, and a data directory as a first run left it."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from pipelines.bucket import lease
from pipelines.harvest import intake, search
from pipelines.home import working_copy
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests import bucket, few_models
from tests.crash import runs
from tests.crash.boundaries import boundaries, copy, result, run, samples, stopped, wrong_after
from tests.main_job import CREDENTIALS, forget_settings

END = 1_790_812_800
DAY = 86_400


def pytest_runtest_setup(item):
    """Leave some tests to where every boundary is tried: what they hold is held each time on disk."""
    if item.get_closest_marker("whole_sweep") and not item.config.getoption("--whole-sweep"):
        pytest.skip("make sweep")


@pytest.fixture(scope="package", autouse=True)
def small_models(tmp_path_factory):
    """The main job has few and small models here."""
    folder = tmp_path_factory.mktemp("sql")
    catalogue = result(few_models.catalogue_in, folder)  # in a fork, as all that uses DuckDB
    with pytest.MonkeyPatch.context() as patch:
        few_models.use(patch.setattr, folder)
        yield catalogue


@pytest.fixture(scope="package")
def service(tmp_path_factory):
    """A simulated service of few jobs, and all that it has.

    It and the settings that lead to it are there as long as the package's tests run.
    """
    with pytest.MonkeyPatch.context() as patch:
        forget_settings(patch)
        # Small pages and batches, so that few jobs are several of each.
        patch.setattr(search, "PAGE_JOBS", 3)
        patch.setattr(intake, "BATCH_DOCUMENTS", 6)
        made = made_documents(seed=11, jobs=600, end=END)
        fleet = [job for job in made if job["LastModifiedTime"] > END - 12 * DAY and runs.is_mine(job)]
        with Simulator(Fleet(fleet)) as simulator:
            surroundings = CREDENTIALS | {"AWS_CONFIG_FILE": os.devnull, "AWS_ENDPOINT_URL": simulator.url}
            for name, value in surroundings.items():
                patch.setenv(name, value)
            yield SimpleNamespace(simulator=simulator, documents=fleet, end=simulator.now)


@pytest.fixture(scope="package")
def world(tmp_path_factory, service, small_models):
    """The service a day after the first run, and data directories on disk (``_world``)."""
    folder = tmp_path_factory.mktemp("crash")
    return _world(service, small_models, lambda name: folder / name)


@pytest.fixture(scope="package")
def bucket_world(tmp_path_factory, service, small_models):
    """The same, in a bucket. Its lease is renewed by writes alone, so that each run has the same requests."""
    folder = tmp_path_factory.mktemp("crash-in-bucket")
    with bucket.served() as surroundings, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "LEASE_SECONDS", 7200.0)
        patch.setattr(lease, "RENEWAL_SECONDS", 3600.0)
        patch.setenv("AWS_ENDPOINT_URL_S3", surroundings["AWS_ENDPOINT_URL_S3"])
        yield _world(service, small_models, lambda name: working_copy(f"s3://{bucket.NAME}/{name}", folder))


@pytest.fixture
def world_in_bucket(bucket_world, monkeypatch, tmp_path):
    """That, and ``here``, which gives places of one test's own by their names."""
    monkeypatch.setattr(bucket_world, "here", lambda name: bucket_world.at(f"{tmp_path.name}/{name}"), raising=False)
    return bucket_world


@pytest.fixture
def sweep(request, tmp_path, record_property):
    """A function that kills a run at its boundaries, two at a time, and runs it again.

    ``at`` gives the place of a data directory by its name; without it they are on disk.
    """
    is_whole = request.config.getoption("--whole-sweep")

    def swept(job, start, check_killed, check_again, choose=samples, at=tmp_path.joinpath):
        found = boundaries(job, _home(start, at("dry")))
        points = found if is_whole else choose(found)
        assert points

        def case(number, point):
            home = _home(start, at(f"{number}"))
            ended = stopped(job, home, point)
            if ended.signal != signal.SIGKILL:
                return f"{point} was not reached: {ended}"
            wrong = wrong_after(ended, point, home, check_killed, job, check_again)
            shutil.rmtree(home)
            return wrong

        with ThreadPoolExecutor(2) as pool:
            wrong = list(filter(None, pool.map(case, range(len(points)), points)))
        record_property("faults", len(points))
        print(f"{len(points)} of {len(found)} boundaries")
        assert not wrong, "\n".join(wrong)

    return swept


def _home(start, home):
    return copy(start, home) if start.exists() else home


def _world(service, small_models, at):
    """What runs start from and end with; ``at`` gives the place of a data directory by its name.

    ``before``: a data directory as the first run left it, which holds ``old``; ``after``: as the second run leaves it,
    which holds ``new``. ``documents``: all that the service has.
    """
    world = SimpleNamespace(
        at=at,
        documents=service.documents,
        main_job=lambda home: runs.main_job(home, small_models),
        before=at("before"),
        after=at("after"),
    )
    service.simulator.set_time(service.end - 2 * DAY)
    run(world.main_job, world.before)
    service.simulator.set_time(service.end)
    copy(world.before, world.after)
    run(world.main_job, world.after)
    world.old, world.new = result(runs.held, world.before), result(runs.held, world.after)
    return world
