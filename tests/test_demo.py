"""What the demo's data directory holds: never made-up jobs and real ones, whoever would bring them there."""

import csv
import os

import dagster as dg
import pytest

from pipelines import demo
from pipelines.config import Settings
from pipelines.definitions import build_defs
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests import few_models
from tests.main_job import CREDENTIALS, lake, only_the_simulator, trainyard

REFUSED = "holds the made-up jobs of `trainyard demo`: remove it, or set TRAINYARD_HOME to another directory"


@pytest.fixture(scope="module")
def fleet():
    return Fleet(made_documents(seed=11, jobs=40, end=1_790_812_800))


@pytest.fixture
def home(tmp_path, fleet, monkeypatch):
    """The lake of a demo with few jobs, run twice."""
    monkeypatch.setattr(demo, "made_fleet", lambda: fleet)
    home = Home(tmp_path / "home")
    only_the_simulator(monkeypatch)
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", os.environ.copy())
            with demo.demo_settings(Settings(home=home.root)) as settings:
                assert not [outcome for outcome in harvest(settings) if outcome.error]
    load(home)
    return home


def test_whatever_brings_other_jobs_there_refuses(home, fleet, models, monkeypatch, tmp_path):
    jobs = len(lake(home)["training_jobs"])
    file = tmp_path / "jobs.ndjson"
    file.write_text("{}\n")
    with Simulator(fleet) as simulator:
        for command in (["run"], ["verify"], ["import", str(file)]):
            given = {"models": models, "AWS_ENDPOINT_URL": simulator.url, **CREDENTIALS}
            refused = trainyard(*command, home=home.root, check=False, **given)
            assert (refused.returncode, refused.stderr) == (1, f"trainyard: {home.root} {REFUSED}\n")
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        few_models.use(monkeypatch.setattr, models)
        defs = build_defs(Settings(home=home.root))
        with dg.DagsterInstance.ephemeral() as instance:
            for job in ("refresh", "verify"):
                result = defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)
                assert not result.success
                (failed, *_) = [event for event in result.all_events if event.is_step_failure]
                assert REFUSED in str(failed.event_specific_data)
        assert not simulator.calls
    assert len(lake(home)["training_jobs"]) == jobs
    trainyard("build", home=home.root, models=models)


def test_the_demo_refuses_a_directory_of_real_jobs(tmp_path):
    home = Home(tmp_path / "home")
    home.raw.mkdir(parents=True)
    refused = trainyard("demo", home=home.root, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "set TRAINYARD_HOME" in refused.stderr


def test_the_demo_has_one_instance_of_each_large_type_reserved_where_it_is_used(home, fleet):
    used = {
        (*document["TrainingJobArn"].split(":")[4:2:-1], named)
        for document in fleet.documents
        if "TrainingStartTime" in document
        for group in document["ResourceConfig"].get("InstanceGroups") or [document["ResourceConfig"]]
        if (named := group["InstanceType"]).startswith(("ml.p4d.", "ml.p5."))
    }
    assert used
    with (home.reference / "capacities.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["account_id"], row["region"], row["instance_type"]) for row in rows} == used
    assert {(row["instances"], row["valid_until"]) for row in rows} == {("1", "")}
