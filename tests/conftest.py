"""What many tests look at (the made fleet, imported, modelled and published once), and how long property tests run."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, settings

from pipelines.home import Home
from pipelines.simulator.made_fleet import made_fleet
from tests.main_job import trainyard

# Shortly, or at length with `make nightly`.
_any_size = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("default", max_examples=15, **_any_size)
settings.register_profile("nightly", max_examples=1000, **_any_size)
settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption("--whole-sweep", action="store_true", help="kill runs at every boundary, not at one of each kind")


@pytest.fixture(scope="session")
def made_documents():
    """The documents of the made fleet, as the demo serves them."""
    return made_fleet().documents


@pytest.fixture(scope="session")
def made_home(made_documents, tmp_path_factory):
    """The data directory of the made fleet, published."""
    folder = tmp_path_factory.mktemp("made")
    file = folder / "fleet.ndjson.gz"
    with gzip.open(file, "wt") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in made_documents)
    home = Home(folder / "home")
    trainyard("import", str(file), home=home.root)
    trainyard("run", "--no-harvest", home=home.root)
    return home
