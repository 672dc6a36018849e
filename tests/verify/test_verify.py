"""What was lost is found and fetched, what is gone is marked, and nothing else is touched."""

import json
import math
from datetime import UTC

import dagster as dg
import duckdb
import pytest

from pipelines.config import Settings, SourceSettings
from pipelines.definitions import build_defs
from pipelines.errors import TrainyardError
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.harvest import harvest
from pipelines.harvest.outcome import VERIFICATION, kept_outcomes
from pipelines.home import Home
from pipelines.lake.deleted import read_marks, select_deleted
from pipelines.lake.load import load, reload
from pipelines.lake.manifest import read_manifest
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.verify import told, verify
from pipelines.verify.windows import LOOK_JOBS
from tests.main_job import lake, only_the_simulator, publish_directly, published, trainyard
from tests.simulator.made import T0, job

ACCOUNT, REGION = "111122223333", "eu-west-1"
NAME = f"{ACCOUNT}-{REGION}"
SOURCE = SourceSettings(role_arn=f"arn:aws:iam::{ACCOUNT}:role/trainyard", regions=(REGION,))
HOUR, DAY = 3600, 24 * 3600
JOBS = [job(f"job-{number:03d}", T0 + number * 3 * HOUR) for number in range(300)]  # in November and December 2023
NOW = T0 + 305 * 3 * HOUR


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", sources=(SOURCE,), calls_per_second=1000)


@pytest.fixture
def home(settings):
    return Home(settings.home)


@pytest.fixture
def serving(monkeypatch):
    """Serve documents at an instant for the rest of the test, in place of what was served before."""
    simulators = []

    def serve(documents, now=NOW, **options):
        if simulators:
            simulators.pop().__exit__(None, None, None)
        simulators.append(Simulator(Fleet(documents), now=now, **options).__enter__())
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulators[-1].url)
        return simulators[-1]

    yield serve
    for simulator in simulators:
        simulator.__exit__(None, None, None)


def verified(settings):
    """The outcome of the only source, and what was told of it."""
    (verification,) = verify(settings)
    return verification.outcome, told([verification])[0]


def names(home):
    return {row["training_job_name"] for row in lake(home)["training_jobs"]}


def without(*numbers):
    return [document for number, document in enumerate(JOBS) if number not in numbers]


def test_where_all_is_well_nothing_is_written(settings, home, serving):
    simulator = serving(JOBS)
    harvest(settings)
    load(home)
    files = sorted(path for path in home.root.rglob("*.*") if path.is_file() and ".lock" not in path.name)
    simulator.calls.clear()
    outcome, line = verified(settings)
    assert (outcome.documents, outcome.error) == (0, None)
    assert line == f"{NAME}: 300 jobs compared with 4 calls"
    assert simulator.calls == {"Search": 4, "AssumeRole": 1}  # the clock, two months, and what was before
    assert set(home.root.rglob("*.*")) - set(files) - {home.root / ".lock", home.root / ".work"} == {
        home.root / "outcomes" / "verification.json"
    }
    assert kept_outcomes(home.root, VERIFICATION).outcomes == [outcome]


def test_a_damaged_file_is_the_sources_failure(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    load(home)
    path = home.quarantine / NAME / "bad.ndjson"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"path": "\xff"}\n')
    outcome, _ = verified(settings)
    assert f"{path} is damaged" in outcome.error


def test_lost_jobs_are_fetched(settings, home, serving):
    serving(without(7, 150, 151, 290))
    harvest(settings)
    load(home)
    serving(JOBS)
    (outcome,) = harvest(settings)
    assert outcome.documents == 0  # the harvest has passed them by
    outcome, line = verified(settings)
    assert (outcome.documents, outcome.error) == (4, None)
    assert line.endswith(
        ": 300 jobs compared with 9 calls; 4 (2023-11: 1, 2023-12: 3) that the lake lacked were fetched"
    )
    assert names(home) == {document["TrainingJobName"] for document in JOBS}
    outcome, _ = verified(settings)
    assert outcome.documents == 0


def test_a_batch_that_was_lost_from_raw_and_lake_is_fetched(settings, home, serving, monkeypatch):
    monkeypatch.setattr("pipelines.harvest.intake.BATCH_DOCUMENTS", 100)
    serving(JOBS)
    harvest(settings)
    load(home)
    before = lake(home)
    batch = RawArchive(home.raw).batches(NAME)[1]
    batch.unlink()
    reload(home)
    lost = len(before["training_jobs"]) - len(names(home))
    assert lost >= 100
    outcome, _ = verified(settings)
    assert (outcome.documents, outcome.error) == (lost, None)
    assert {row["training_job_arn"] for row in lake(home)["training_jobs"]} == {
        row["training_job_arn"] for row in before["training_jobs"]
    }


def test_a_lake_of_nothing_is_filled(settings, home, serving):
    serving(JOBS)
    outcome, line = verified(settings)
    assert (outcome.documents, outcome.error) == (300, None)
    assert len(names(home)) == 300
    assert line.endswith("; 300 (2023-11: 129, 2023-12: 171) that the lake lacked were fetched")


def test_three_of_a_hundred_thousand_are_found_with_few_calls(settings, home, serving):
    count, year = 100_000, 365 * DAY
    jobs = [job(f"job-{number}", T0 + number * year // count) for number in range(count)]
    lost = {5_000, 33_333, 90_001}
    held = [Observation(T0 + year, json.dumps(document).encode()) for n, document in enumerate(jobs) if n not in lost]
    RawArchive(home.raw).append(NAME, held, (T0 + year) * 1_000_000)
    simulator = serving(jobs, now=T0 + year + DAY)
    outcome, _ = verified(settings)
    assert outcome.documents == 3
    months = 13
    of_a_month = count / 12
    assert simulator.calls["Search"] <= 2 + months + 3 * (math.ceil(math.log2(of_a_month / LOOK_JOBS)) + 1)
    assert simulator.calls["DescribeTrainingJob"] == 0


def test_deleted_jobs_are_marked_and_survive_a_rebuild(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    load(home)
    serving(without(20, 21), now=NOW + DAY)
    outcome, line = verified(settings)
    assert (outcome.documents, outcome.error) == (0, None)
    assert line.endswith("; 2 (2023-11: 2) that the service lacks were marked as deleted")
    assert len(names(home)) == 300
    reload(home)
    facts = publish_directly(home)["fct_training_jobs"]
    deleted = {row["training_job_name"]: row["deleted_at"] for row in facts if row["is_deleted"]}
    assert sorted(deleted) == ["job-020", "job-021"]
    assert {instant.replace(tzinfo=UTC).timestamp() for instant in deleted.values()} == {NOW + DAY}
    assert {row["training_job_arn"] for row in published(home.warehouse, "lake")["deleted_training_jobs"]} == {
        JOBS[20]["TrainingJobArn"],
        JOBS[21]["TrainingJobArn"],
    }
    simulator = serving(without(20, 21), now=NOW + 2 * DAY)
    verified(settings)
    assert simulator.calls["DescribeTrainingJob"] == 0  # they are not missed again
    assert set(read_marks(home, NAME).values()) == {NOW + DAY}


def test_a_job_that_comes_back_is_no_longer_marked(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    serving(without(20, 21))
    verified(settings)
    assert len(duckdb.sql(select_deleted(home, read_manifest(home.lake))).fetchall()) == 2
    # One comes back as it was, which only a verification sees; one is made anew under its old name.
    again = job("job-021", NOW - HOUR)
    serving([*without(21), again], now=NOW + HOUR)
    harvest(settings)
    outcome, _ = verified(settings)
    assert outcome.documents == 1
    load(home)
    assert duckdb.sql(select_deleted(home, read_manifest(home.lake))).fetchall() == []
    assert JOBS[20]["TrainingJobArn"] not in read_marks(home, NAME)


def test_a_job_that_only_the_index_lacks_is_not_marked(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    simulator = serving(JOBS, index_delay_seconds=lambda d: 400 * DAY if d is JOBS[20] else 0)
    outcome, _ = verified(settings)
    assert outcome.error is None
    assert simulator.calls["DescribeTrainingJob"] == 1
    assert read_marks(home, NAME) == {}


def test_young_jobs_are_left_to_the_harvest(settings, home, serving):
    young = job("young", NOW - 600)
    serving([*JOBS, young])
    harvest(settings)
    simulator = serving(JOBS)
    outcome, _ = verified(settings)
    assert outcome.error is None
    assert simulator.calls["DescribeTrainingJob"] == 0
    assert read_marks(home, NAME) == {}


def test_an_end_that_was_shown_too_late_for_the_harvest_is_fetched(settings, home, serving):
    slow, open_still = job("slow", NOW - DAY), job("open-still", NOW - DAY)
    unfinished = {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training", "LastModifiedTime": NOW - DAY + 10}
    open_still |= unfinished
    serving([*JOBS, slow | unfinished, open_still])
    harvest(settings)
    load(home)
    simulator = serving([*JOBS, slow, open_still])
    (outcome,) = harvest(settings)
    assert outcome.documents == 0  # the harvest has passed it by
    simulator.calls.clear()
    outcome, line = verified(settings)
    assert (outcome.documents, outcome.error) == (1, None)
    assert line.endswith("1 that had changed unseen were fetched")
    assert simulator.calls["Search"] == 6  # the clock, two months, what was before, those in progress and their names
    assert {row["training_job_name"]: row["training_job_status"] for row in lake(home)["training_jobs"]} == {
        document["TrainingJobName"]: document["TrainingJobStatus"] for document in [*JOBS, slow, open_still]
    }
    outcome, _ = verified(settings)
    assert (outcome.documents, outcome.calls) == (0, 5)


def test_where_describe_is_not_allowed_search_is_asked_by_name(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    simulator = serving(without(20))
    simulator.inject(Fault(kind="access-denied", operation="DescribeTrainingJob"))
    outcome, _ = verified(settings)
    assert outcome.error is None
    assert list(read_marks(home, NAME)) == [JOBS[20]["TrainingJobArn"]]


def test_a_service_that_seems_to_have_lost_everything_is_not_believed_at_once(settings, home, serving, monkeypatch):
    monkeypatch.setattr("pipelines.verify.comparison.MOST_CONFIRMED", 10)
    serving(JOBS)
    harvest(settings)
    simulator = serving([job("other", T0)])
    outcome, _ = verified(settings)
    assert "lacks more than 10 jobs" in outcome.error
    assert simulator.calls["DescribeTrainingJob"] == 10
    assert len(read_marks(home, NAME)) == 10


def test_no_more_than_some_are_asked_for_by_name_whatever_comes_of_it(settings, home, serving, monkeypatch):
    asked = []
    monkeypatch.setattr("pipelines.verify.comparison.MOST_CONFIRMED", 10)
    monkeypatch.setattr("pipelines.verify.comparison.describe", lambda calls, name: asked.append(name) or b"{}")
    serving(JOBS)
    harvest(settings)
    serving([job("other", T0)])
    outcome, _ = verified(settings)
    assert outcome.error is None
    assert outcome.warnings == (
        f"Search does not show {len(JOBS)} jobs of the lake; the service has 10 of them, and no more were asked for by"
        " name: check what the role may see",
    )
    assert len(asked) == 10
    assert not read_marks(home, NAME)


def test_a_page_that_lacks_jobs_marks_nothing(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    simulator = serving(without(20), most_hits=30)
    outcome, _ = verified(settings)
    assert "Search counted" in outcome.error
    assert simulator.calls["DescribeTrainingJob"] == 0
    assert read_marks(home, NAME) == {}


def test_imported_jobs_are_not_the_services_business(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    elsewhere = [job(f"imported-{number}", T0 + number * HOUR) for number in range(5)]
    RawArchive(home.raw).append("import", [Observation(NOW, json.dumps(document).encode()) for document in elsewhere])
    simulator = serving(JOBS)
    outcome, _ = verified(settings)
    assert (outcome.documents, outcome.error) == (0, None)
    assert simulator.calls == {"Search": 4, "AssumeRole": 1}


@pytest.mark.parametrize(
    "members",
    [
        {"TrainingTimeInSeconds": "long"},
        {"TrainingTimeInSeconds": "long", "FailureReason": "x" * 200_000},  # more than the quarantine keeps
        {"TrainingJobArn": None, "Environment": {"API_TOKEN": "kept out of raw"}},
        {"TrainingJobArn": f'arn:aws:sagemaker:{REGION}:{ACCOUNT}:no-training-job/\x1b"quoted"'},
    ],
    ids=["wrong-type", "long", "no-arn", "escapes"],
)
def test_a_document_in_quarantine_is_not_fetched_again_and_again(settings, home, serving, members):
    serving([*JOBS, job("broken", T0 + 5 * HOUR, **members)])
    settings = settings.model_copy(update={"sources": (SourceSettings(regions=(REGION,)),)})  # sees every document
    harvest(settings)
    outcome, _ = verified(settings)
    assert (outcome.documents, outcome.error) == (0, None)


def test_a_job_without_last_modified_time_that_a_harvest_cannot_find_is_fetched(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    undated = job("undated", T0 + 5 * HOUR)
    del undated["LastModifiedTime"]
    serving([*JOBS, undated])
    (outcome,) = harvest(settings)
    assert (outcome.documents, outcome.error) == (0, None)
    outcome, _ = verified(settings)
    assert (outcome.documents, outcome.error) == (1, None)
    assert "undated" in names(home)
    outcome, _ = verified(settings)
    assert outcome.documents == 0


def test_a_name_used_again_is_no_difference(settings, home, serving):
    """The service has both jobs of the name, the lake the newer one, which is not taken for known by the older."""
    serving(JOBS)
    harvest(settings)
    serving([*JOBS, JOBS[7] | {"CreationTime": T0 + 800 * HOUR + 1, "LastModifiedTime": T0 + 800 * HOUR + 70}])
    outcome, _ = verified(settings)
    assert (outcome.documents, outcome.error) == (1, None)
    for _ in range(2):
        (outcome,) = harvest(settings)
        assert outcome.error is None
        outcome, _ = verified(settings)
        assert (outcome.documents, outcome.error) == (0, None)
    assert read_marks(home, NAME) == {}
    assert len(lake(home)["training_jobs"]) == 300


def test_a_source_that_fails_says_so_and_the_other_is_repaired(settings, home, serving):
    both = settings.model_copy(
        update={"sources": (SourceSettings(role_arn="arn:aws:iam::999988887777:role/x", regions=(REGION,)), SOURCE)}
    )
    serving(without(7))
    harvest(both)
    serving(JOBS)
    failed, repaired = (each.outcome for each in verify(both))
    assert "AccessDenied" in failed.error
    assert (repaired.documents, repaired.error) == (1, None)


def test_the_command_says_what_it_found_and_fails_where_it_could_not_ask(settings, home, serving, tmp_path):
    serving(without(7))
    harvest(settings)
    load(home)
    sources = json.dumps([json.loads(SOURCE.model_dump_json())])
    run = {
        "home": home.root,
        "TRAINYARD_SOURCES": sources,
        "AWS_ENDPOINT_URL": serving(JOBS).url,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    done = trainyard("verify", **run)
    assert "; 1 (2023-11: 1) that the lake lacked were fetched" in done.stdout
    assert "trainyard build" in done.stdout
    failed = trainyard("verify", "--json", check=False, **run | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert failed.returncode == 1
    assert f"trainyard: {NAME} was not verified: " in failed.stderr.splitlines()[-1]
    ((outcome, found),) = (each.values() for each in json.loads(failed.stdout))
    assert outcome["source"] == NAME
    assert outcome["error"] in failed.stderr
    assert found is None or found["jobs"] == 0


def test_the_daily_job_repairs_and_fails_where_a_source_cannot_be_asked(settings, home, serving):
    serving(without(7))
    harvest(settings)
    simulator = serving(JOBS)
    job = build_defs(settings).resolve_job_def("verify")
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
        assert "job-007" in names(home)
        (observed,) = instance.fetch_observations(dg.AssetKey(["lake", "training_jobs"]), limit=10).records
        assert observed.asset_observation.metadata[NAME].value.startswith(f"{NAME}: 1 new documents")
        simulator.inject(Fault(kind="access-denied"))
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "AccessDenied" in failure.step_failure_data.user_failure_data.description


def test_a_damaged_lake_is_named_in_one_line(settings, home, serving):
    serving(JOBS)
    harvest(settings)
    load(home)
    (path, *_) = read_manifest(home.lake).paths(home.lake, "training_jobs")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainyardError, match=r"is damaged .*trainyard rebuild"):
        verify(settings)
