"""Events make jobs due to be read again: those that were lost are asked for by name, and only those."""

import json

import pytest
from dagster import AssetCheckSeverity

from pipelines.assets.raw import training_job_documents
from pipelines.config import Settings, SourceSettings
from pipelines.harvest.due import note_due, read_due
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest
from pipelines.refresh import Part, refresh
from pipelines.reread import reread
from pipelines.simulator import Fault, Fleet, Simulator
from tests import few_models
from tests.main_job import lake, only_the_simulator, trainyard
from tests.simulator.made import T0, job

ACCOUNT, REGION = "111122223333", "eu-west-1"
NAME = f"{ACCOUNT}-{REGION}"
SOURCE = SourceSettings(role_arn=f"arn:aws:iam::{ACCOUNT}:role/trainyard", regions=(REGION,))
HOUR = 3600
JOBS = [job(f"job-{number:02d}", T0 + number * HOUR) for number in range(60)]
NOW = T0 + 100 * HOUR


def event(document, later_seconds=0):
    """The EventBridge event of a job's last change."""
    detail = {"TrainingJobName": document["TrainingJobName"], "TrainingJobArn": document["TrainingJobArn"]}
    times = {
        "CreationTime": document["CreationTime"] * 1000,
        "LastModifiedTime": str((document["LastModifiedTime"] + later_seconds) * 1000),
    }
    return {
        "detail-type": "SageMaker Training Job State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "region": REGION,
        "detail": {**detail, "TrainingJobStatus": document["TrainingJobStatus"], "FailureReason": None, **times},
    }


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def settings(home):
    return Settings(home=home.root, sources=(SOURCE,), calls_per_second=1000)


def serve(monkeypatch, documents):
    simulator = Simulator(Fleet(documents), now=NOW)
    only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
    return simulator


def harvested(settings, home, monkeypatch, documents=JOBS):
    with serve(monkeypatch, documents):
        harvest(settings)
    load(home)


def note(home, *events):
    note_due(home.root, [json.dumps(each).encode() for each in events])


def records(home):
    return {row["training_job_name"] for row in lake(home)["training_jobs"] if row["source"] == NAME}


def test_an_archive_is_imported_without_aws_and_names_its_jobs(home, tmp_path):
    archive = tmp_path / "events.ndjson"
    archive.write_text("".join(json.dumps(event(document)) + "\n" for document in JOBS[:3]))
    done = trainyard("import", str(archive), home=home.root)
    assert "3 documents imported" in done.stdout
    assert "3 jobs are named by events" in done.stdout
    assert read_due(home.root).keys() == {document["TrainingJobArn"] for document in JOBS[:3]}
    assert "jobs due to be read again: 3" in trainyard("status", home=home.root).stdout


def test_lost_jobs_are_asked_for_by_name_twenty_at_a_time(settings, home, monkeypatch):
    harvested(settings, home, monkeypatch, JOBS[50:])
    note(home, *map(event, JOBS))
    with serve(monkeypatch, JOBS) as simulator:
        (outcome,) = reread(settings)
    assert (outcome.documents, outcome.error) == (50, None)
    assert simulator.calls["Search"] == 3
    load(home)
    assert records(home) == {document["TrainingJobName"] for document in JOBS}
    assert read_due(home.root) == {}


def test_the_next_run_reads_them(settings, home, models, monkeypatch):
    few_models.use(monkeypatch.setattr, models)
    harvested(settings, home, monkeypatch, JOBS[1:])
    note(home, event(JOBS[0]))
    with serve(monkeypatch, JOBS):
        refresh(settings, Part.ALL, print)
    assert "job-00" in records(home)
    assert read_due(home.root) == {}


def test_what_the_lake_has_is_not_asked_for(settings, home, monkeypatch):
    harvested(settings, home, monkeypatch)
    note(home, *map(event, JOBS))
    with serve(monkeypatch, JOBS) as simulator:
        assert reread(settings) == []
    assert simulator.calls == {}
    assert read_due(home.root) == {}


def test_files_of_the_lake_are_read_only_where_jobs_that_are_due_may_be(settings, home, monkeypatch):
    harvested(settings, home, monkeypatch)
    for path in read_manifest(home.lake).paths(home.lake, "training_jobs"):
        path.write_bytes(b"damaged")
    assert reread(settings) == []
    note(home, event(job("elsewhere", T0, account="999988887777")))
    with serve(monkeypatch, JOBS):
        (outcome,) = reread(settings)
    assert outcome.error is None


def test_what_the_harvest_reads_anyway_is_left_to_it(settings, home, monkeypatch):
    note(home, *map(event, JOBS))
    with serve(monkeypatch, JOBS) as simulator:
        reread(settings)  # never harvested: its first harvest reads all
        assert simulator.calls["Search"] == 0
        harvest(settings)
        load(home)
        note(home, event(JOBS[-1], later_seconds=HOUR))
        simulator.calls.clear()
        reread(settings)
        assert simulator.calls["Search"] == 0
    assert read_due(home.root).keys() == {JOBS[-1]["TrainingJobArn"]}


def test_a_change_that_was_passed_by_is_asked_for(settings, home, monkeypatch):
    older = JOBS[0] | {"LastModifiedTime": JOBS[0]["LastModifiedTime"] - 30}
    harvested(settings, home, monkeypatch, [older, *JOBS[1:]])
    note(home, event(JOBS[0]))
    with serve(monkeypatch, JOBS):
        (outcome,) = reread(settings)
    assert outcome.documents == 1


def test_a_job_that_the_service_lacks_is_asked_for_once(settings, home, monkeypatch):
    harvested(settings, home, monkeypatch)
    note(home, event(job("gone", T0)))
    with serve(monkeypatch, JOBS) as simulator:
        (outcome,) = reread(settings)
        assert (outcome.documents, outcome.error) == (0, None)
        assert reread(settings) == []
        assert simulator.calls["Search"] == 1


def test_what_could_not_be_read_again_is_a_warning_of_the_run(settings, home, monkeypatch):
    harvested(settings, home, monkeypatch, JOBS[1:])
    note(home, event(JOBS[0]))
    with serve(monkeypatch, JOBS) as simulator:
        simulator.inject(Fault(kind="access-denied", operation="Search"))
        made = next(iter(training_job_documents(settings, print)))
    (check,) = [check for check in made.check_results if check.check_name == "every_call_allowed"]
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.WARN)
    told = check.metadata[NAME].value
    assert "jobs that events named were not read: An error occurred (AccessDenied" in told
    assert "jobs are listed" in told  # what the harvest itself warns of


def test_jobs_of_other_accounts_and_failures_stay_due(settings, home, monkeypatch):
    harvested(settings, home, monkeypatch, JOBS[1:])
    stranger = job("elsewhere", T0, account="999988887777")
    note(home, event(JOBS[0]), event(stranger))
    with serve(monkeypatch, JOBS) as simulator:
        simulator.inject(Fault(kind="access-denied", operation="Search"))
        (outcome,) = reread(settings)
        assert "AccessDenied" in outcome.error
        assert len(read_due(home.root)) == 2
        simulator.clear_faults()
        reread(settings)
    assert read_due(home.root).keys() == {stranger["TrainingJobArn"]}


@pytest.mark.parametrize(
    "document",
    [
        event(JOBS[0])["detail"],
        JOBS[0],
        {"detail-type": "SageMaker Processing Job State Change", "detail": event(JOBS[0])["detail"]},
        {"detail-type": "SageMaker Training Job State Change"},
        {"detail-type": "SageMaker Training Job State Change", "detail": {"TrainingJobArn": 7, "TrainingJobName": "x"}},
    ],
)
def test_only_events_of_training_jobs_make_due(document, home, tmp_path):
    note(home, document)
    assert read_due(home.root) == {}
    assert not (home.root / "due.json").exists()


def test_of_two_events_the_newer_counts(home):
    note(home, event(JOBS[0], later_seconds=60), event(JOBS[0]))
    (due,) = read_due(home.root).values()
    assert (due.name, due.changed_at) == ("job-00", JOBS[0]["LastModifiedTime"] + 60)
