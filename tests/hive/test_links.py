"""The lists of files: they name what is in force and nothing else, whatever lies beside it."""

import json
import time
import uuid
from random import Random

import duckdb
import pytest

from pipelines.assets.prune import prune_home
from pipelines.config import Settings
from pipelines.harvest.archive import RawArchive
from pipelines.hive.links import link_lake
from pipelines.home import Home, working_copy
from pipelines.lake.load import load
from pipelines.refresh import Part, refresh
from tests import bucket, few_models
from tests.main_job import only_the_simulator, published
from tests.measurements import keep, row
from tests.records import ARN

MAY = 1_746_100_000


@pytest.fixture(scope="module")
def server():
    with bucket.served() as surroundings:
        yield surroundings


@pytest.fixture
def home(server, monkeypatch, tmp_path):
    """A data directory in a bucket."""
    only_the_simulator(monkeypatch, **server)
    return Home(working_copy(f"s3://{bucket.NAME}/{uuid.uuid4().hex}", tmp_path))


def receive(home, version, **members):
    """Put a version of one job into raw."""
    job = {"TrainingJobArn": f"{ARN}a", "TrainingJobStatus": "Completed", "CreationTime": MAY}
    document = job | {"LastModifiedTime": MAY + version} | members
    with home.writing():
        RawArchive(home.raw).append("012345678901-eu-west-1", [(time.time(), json.dumps(document).encode())], 0)


def in_bucket(home):
    """The objects below each folder of `links`, as the addresses that they list; each of these is there."""
    objects = bucket.objects(home.url)
    lists = {
        name.removesuffix("/symlink.txt").removeprefix("links/"): content.decode().splitlines()
        for name, content in objects.items()
        if name.startswith("links/")
    }
    named = {address.removeprefix(f"{home.url}/") for addresses in lists.values() for address in addresses}
    assert named <= objects.keys()
    return lists


def test_what_is_listed_is_what_is_published(home, monkeypatch, models):
    few_models.use(monkeypatch.setattr, models)
    transitions = [{"Status": "Starting", "StartTime": MAY}, {"Status": "Training", "StartTime": MAY + 1}]
    receive(home, 1, SecondaryStatusTransitions=transitions)
    load(home)
    receive(home, 2, SecondaryStatusTransitions=transitions)
    refresh(Settings(home=home.root), Part.FROM_RAW, print)
    lists, objects = in_bucket(home), bucket.objects(home.url)
    superseded = {name for name in objects if name.endswith(".parquet")}
    superseded -= {address.removeprefix(f"{home.url}/") for addresses in lists.values() for address in addresses}
    assert any(name.startswith("lake/training_jobs/") for name in superseded)
    for schema in ("lake", "marts"):
        found = published(home.warehouse, schema)
        for table in {name.split("/")[1] for name in lists if name.startswith(f"{schema}/")}:
            paths = [str(home.root / each.removeprefix(f"{home.url}/")) for each in lists[f"{schema}/{table}"]]
            assert duckdb.sql(f"select count(*) from read_parquet({paths})").fetchall() == [(len(found[table]),)]
    assert {f"marts/{name}" for name in published(home.warehouse)} < lists.keys()
    assert {name for name in lists if name.startswith("lake/")} == {
        "lake/training_jobs",
        "lake/secondary_status_transitions",
    }


def test_a_table_that_has_no_files_any_more_has_no_list(home):
    for version, members in enumerate([{"Tags": [{"Key": "a", "Value": "b"}]}, {}]):
        receive(home, version, **members)
        load(home)
        prune_home(home)  # also where no build comes to its end, lists name what is in force
        assert ("lake/tags" in in_bucket(home)) == bool(members)


def test_what_was_measured_is_listed(home):
    document = {"TrainingJobArn": f"{ARN}a", "CreationTime": MAY}
    with home.writing():
        keep(home, [row(document, "algo-1", "CPUUtilization", MAY, 60, 50.0, Random(1))])
        link_lake(home)
    (address,) = in_bucket(home)["lake/hardware_metrics"]
    assert address.startswith(f"{home.url}/metrics/hardware_metrics/")


def test_a_list_that_is_as_it_was_is_not_written_again(home):
    receive(home, 1)
    load(home)
    with home.writing():
        link_lake(home)
        before = len(bucket.asked)
        link_lake(home)
        assert len(bucket.asked) == before


def test_on_disk_there_are_no_lists(tmp_path):
    home = Home(tmp_path)
    receive(home, 1)
    load(home)
    link_lake(home)
    assert not home.links.exists()
