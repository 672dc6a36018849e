"""What many tests look at (the made fleet with reference data, published once), in which order tests run, and how long
property tests do."""

import gzip
import json
import os
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from pipelines.home import Home
from pipelines.simulator.made_fleet import made_fleet
from tests import few_models, measurements, postgres_server
from tests.main_job import trainyard
from tests.reference_data import reference_for, write_reference

# Shortly and the same each time, or at length and at random with `make nightly`.
_any_size = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("default", max_examples=15, derandomize=True, **_any_size)
settings.register_profile("nightly", max_examples=1000, **_any_size)
settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption("--whole-sweep", action="store_true", help="kill runs at every boundary, not at one of each kind")


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: some tests wait for servers and for processes of their own."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config, items):
    """Let each worker begin with its share of the tests that fork.

    A fork has the locks of its parent's threads but not the threads, so the parent must not have used DuckDB's or
    Arrow's yet. xdist gives each worker as long a run of the list, and takes from its end for one that is idle.
    """
    forking = [item for item in items if item.get_closest_marker("forks")]
    others = [item for item in items if not item.get_closest_marker("forks")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    items.clear()
    for place in range(workers, 0, -1):
        length = (len(forking) + len(others)) // place
        share = forking[: len(forking) // place]
        rest = others[: length - len(share)]
        del forking[: len(share)], others[: len(rest)]
        items += share + rest


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder of few and small models, for tests that look at what is not the models' doing."""
    return few_models.written(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def made_documents():
    """The documents of the made fleet, as the demo serves them."""
    return made_fleet().documents


@pytest.fixture(scope="session")
def made_reference(made_documents):
    """Prices, quotas and capacities for the made fleet, as rows."""
    return reference_for(made_documents)


@pytest.fixture(scope="session")
def made_measurements(made_documents):
    """Measurements of some jobs of the made fleet, as rows."""
    return measurements.measurements_of(made_documents[::4])


@pytest.fixture(scope="session")
def made_home(made_documents, made_reference, made_measurements, tmp_path_factory, worker_id):
    """The data directory of the made fleet, published: one for all of pytest's workers, so it is only looked at."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent  # each worker has a folder of its own in there
    folder, home = folder / "made", Home(folder / "made" / "home")
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            _publish(made_documents, made_reference, made_measurements, home)
    assert home.warehouse.exists()
    return home


@pytest.fixture(scope="session")
def postgres_port():
    """The port of a PostgreSQL that is made for the tests."""
    if not postgres_server.programs():
        pytest.skip("PostgreSQL is not installed here")
    with tempfile.TemporaryDirectory() as folder, postgres_server.serving(Path(folder)) as port:
        yield port


def _publish(documents, reference, measured, home):
    file = home.root.with_name("fleet.ndjson.gz")
    with gzip.open(file, "wt") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents)
    write_reference(reference, home.root / "reference")
    trainyard("import", str(file), home=home.root)
    measurements.keep(home, measured)
    trainyard("run", "--no-harvest", home=home.root)
