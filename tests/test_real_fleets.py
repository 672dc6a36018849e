"""Real fleets through the whole of Trainyard: simulated, harvested (or imported), modelled, published, and right.

The fleets, and the answers computed for them without a database, stand beside the project, not in it: where they are
absent these tests are skipped.
"""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fleet, Simulator
from tests.main_job import CREDENTIALS, build_directly, lake, published, trainyard
from tests.oracle.expected import GPUS_OF_LOG, check_against_expected, check_over_time
from tests.oracle.instance_types import GPUS, TYPES
from tests.reference_data import write_reference

FLEETS = Path(os.environ.get("TRAINYARD_FLEETS", Path(__file__).parents[2] / "shared" / "fleets"))
NAMES = ("fgd2023", "eagle")

pytestmark = pytest.mark.skipif(not FLEETS.is_dir(), reason="the fleets are not here")


@pytest.fixture(params=NAMES)
def fleet(request):
    """Its documents' file, and the answers."""
    return FLEETS / f"{request.param}.ndjson.gz", json.loads((FLEETS / "expected.json").read_text())[request.param]


def home_in(folder):
    """A data directory whose user has said how many GPUs the nodes of the logs had."""
    home = Home(folder)
    types = [TYPES[name] | {"gpus": gpus} for name, gpus in GPUS_OF_LOG.items() if gpus != GPUS[name]]
    write_reference({"instance_types": types}, home.root / "reference")
    return home


def test_a_harvested_fleet_has_the_expected_marts_and_an_imported_one_is_the_same(fleet, tmp_path):
    path, expected = fleet
    harvested, imported = home_in(tmp_path / "harvested" / "home"), home_in(tmp_path / "imported" / "home")
    with Simulator(Fleet.load(path)) as simulator:
        trainyard("run", home=harvested.root, AWS_ENDPOINT_URL_SAGEMAKER=simulator.url, **CREDENTIALS)
    check_against_expected(published(harvested.warehouse), expected)
    trainyard("import", str(path), home=imported.root)
    load(imported)
    assert told(imported) == told(harvested)


def told(home):
    """What a lake tells of jobs, but for who told it, and when."""
    by_whom = {"source", "observed_at"}
    return {
        table: Counter(tuple(cell for name, cell in row.items() if name not in by_whom) for row in rows)
        for table, rows in lake(home).items()
    }


def test_a_fleet_without_its_open_jobs_has_the_expected_days_and_hours(fleet, tmp_path):
    path, expected = fleet
    home, ended = home_in(tmp_path / "home"), tmp_path / "ended.ndjson"
    statuses = (b'"TrainingJobStatus":"Completed"', b'"TrainingJobStatus":"Failed"', b'"TrainingJobStatus":"Stopped"')
    with gzip.open(path) as lines, ended.open("wb") as file:
        file.writelines(line for line in lines if any(status in line for status in statuses))
    trainyard("import", str(ended), home=home.root)
    check_over_time(build_directly(home), expected)
