"""Where Search is denied, listing and asking about each job gives the same lake; moto's service, too, can be listed."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from pipelines.errors import TrainyardError
from pipelines.harvest import intake, listing, search
from pipelines.harvest.archive import RawArchive
from pipelines.harvest.calls import Calls
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.made_fleet import END_SECONDS, made_documents
from tests.harvest.passes import SOURCE, described, held, new_pass, pass_by, received, run_pass
from tests.main_job import lake
from tests.simulator.clients import KEYS
from tests.simulator.made import T0, job

DAY = 86_400
DENIED = Fault(kind="access-denied", operation="Search")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(listing, "PAGE_JOBS", 10)
    monkeypatch.setattr(intake, "BATCH_DOCUMENTS", 25)


def fleet(count=60):
    return Fleet(
        job(f"job-{n:02}", T0 + 100 * n, Tags=[{"Key": "n", "Value": str(n)}] * (n % 3), ProfilingStatus="Disabled")
        for n in range(count)
    )


def rows(home):
    load(home)
    return {
        name: sorted(repr({k: v for k, v in row.items() if k != "observed_at"}) for row in table)
        for name, table in lake(home).items()
    }


def test_the_lake_is_the_one_of_search_and_describe(home, tmp_path):
    documents = made_documents(seed=3, jobs=400, end=END_SECONDS)[-150:]
    searched = Home(tmp_path / "searched")
    with Simulator(Fleet(documents), now=END_SECONDS - 10 * DAY) as simulator:
        for now in (END_SECONDS - 10 * DAY, END_SECONDS - DAY, END_SECONDS + 400 * DAY):
            simulator.set_time(now)
            run_pass(simulator, searched, describe="always")
        simulator.inject(DENIED)
        for now in (END_SECONDS - 10 * DAY, END_SECONDS - DAY, END_SECONDS + 400 * DAY):
            simulator.set_time(now)
            run_pass(simulator, home)
    assert rows(home) == rows(searched)
    assert len(lake(home)["training_jobs"]) == 150


def test_only_what_changed_is_asked_about_and_a_warning_says_how(small, home):
    jobs = fleet()
    with Simulator(jobs, now=T0 + 100 * 59 + 20) as simulator:
        simulator.inject(DENIED)
        first = run_pass(simulator, home)
        assert simulator.calls == {"Search": 1, "ListTrainingJobs": 6, "DescribeTrainingJob": 60, "ListTags": 60}
        assert first.calls == simulator.calls.total()
        assert "sagemaker:Search" in first.warnings[0]
        simulator.calls.clear()
        run_pass(simulator, home)
        assert simulator.calls == {"Search": 1, "ListTrainingJobs": 6}
        simulator.advance(DAY)
        run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == simulator.calls["ListTags"] == 1
        assert held(home) == described(jobs.documents)
        assert RawArchive(home.raw).watermark(SOURCE) == (T0 + 5970) * 1_000_000


def test_a_pass_that_was_cut_off_asks_about_no_job_twice(small, home):
    jobs = fleet()

    def cut_off(documents):
        if documents >= 40:
            raise KeyboardInterrupt

    with Simulator(jobs) as simulator:
        simulator.inject(DENIED)
        with pytest.raises(KeyboardInterrupt):
            run_pass(simulator, home, on_page=cut_off)
        assert RawArchive(home.raw).watermark(SOURCE) == 0
        simulator.calls.clear()
        done = run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == done.documents == 30
        assert held(home) == described(jobs.documents)
        simulator.calls.clear()
        run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == 0


def test_nothing_new_after_a_cut_still_raises_the_watermark(small, home, monkeypatch):
    monkeypatch.setattr(intake, "BATCH_DOCUMENTS", 60)

    def cut_off(documents):
        if documents == 60:
            raise KeyboardInterrupt

    with Simulator(fleet()) as simulator:
        simulator.inject(DENIED)
        with pytest.raises(KeyboardInterrupt):  # all is written, only the end of the list was not seen
            run_pass(simulator, home, on_page=cut_off)
        assert len(held(home)) == 60
        assert RawArchive(home.raw).watermark(SOURCE) == 0
        run_pass(simulator, home)
        assert RawArchive(home.raw).watermark(SOURCE) == (T0 + 5970) * 1_000_000
    assert load(home).documents == 60
    assert len(lake(home)["training_jobs"]) == 60


def test_search_goes_on_where_the_list_ended(small, home):
    jobs = fleet()
    with Simulator(jobs, now=T0 + 3000) as simulator:
        simulator.inject(DENIED)
        run_pass(simulator, home)
        simulator.clear_faults()
        simulator.advance(DAY)
        simulator.calls.clear()
        after = run_pass(simulator, home)
        assert not after.warnings
        assert set(simulator.calls) == {"Search"}
    assert {document["TrainingJobStatus"] for document in held(home).values()} == {"Completed"}
    assert len(held(home)) == 60


def test_a_job_that_is_gone_when_it_is_asked_about_is_left_out(home):
    with Simulator(fleet(3)) as simulator:
        simulator.inject(DENIED)
        one = new_pass(simulator, home)
        listed = listing.listed

        def with_a_ghost(calls, since):
            for summaries, answered_at in listed(calls, since):
                yield [*summaries, summaries[0]._replace(key=1, name="gone")], answered_at

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(listing, "listed", with_a_ghost)
            one.run()
    assert len(received(home)) == 3


def test_a_token_of_the_list_that_expires(small, home):
    jobs = fleet()
    with Simulator(jobs) as simulator:
        simulator.inject(DENIED)
        simulator.inject(Fault(kind="expired-token", after=3, count=1))
        run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == 60
    assert held(home) == described(jobs.documents)


@pytest.mark.parametrize("operation", ["ListTrainingJobs", "DescribeTrainingJob", "ListTags"])
def test_where_both_are_denied_one_line_names_what_to_allow(home, operation):
    with Simulator(fleet(3)) as simulator:
        simulator.inject(DENIED)
        simulator.inject(Fault(kind="access-denied", operation=operation))
        denied = new_pass(simulator, home)
        with pytest.raises(TrainyardError, match=f"neither sagemaker:Search nor.* sagemaker:{operation}") as said:
            denied.run()
    assert "\n" not in str(said.value)
    assert denied.warnings == ()  # nothing was listed and asked about one by one
    assert received(home) == []


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_jobs_of_motos_service(moto, home, monkeypatch):
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1", endpoint_url=moto, **KEYS)
    for number in range(130):
        sagemaker.create_training_job(
            TrainingJobName=f"job-{number}",
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            RoleArn="arn:aws:iam::111122223333:role/training",
            OutputDataConfig={"S3OutputPath": "s3://bucket/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            Tags=[{"Key": "number", "Value": str(number)}],
        )
    denied = Calls(boto3.client("sagemaker", region_name="eu-west-1", endpoint_url=moto, **KEYS))

    def refused(*_):  # moto's own answers everyone, without pages or order
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Search")

    monkeypatch.setattr(search, "newest", refused)
    first = pass_by(denied, home)
    first.run()
    assert denied.made == {"ListTrainingJobs": 2, "DescribeTrainingJob": 130, "ListTags": 130}
    load(home)
    jobs = {row["training_job_name"]: row for row in lake(home)["training_jobs"]}
    tags = {(row["training_job_arn"], row["key"], row["value"]) for row in lake(home)["tags"]}
    assert len(jobs) == 130
    for number in range(130):
        told = sagemaker.describe_training_job(TrainingJobName=f"job-{number}")
        row = jobs[f"job-{number}"]
        assert row["last_modified_time"].replace(tzinfo=UTC) == told["LastModifiedTime"].astimezone(UTC)
        assert row["creation_time"] <= datetime.now(UTC).replace(tzinfo=None)
        assert (row["training_job_arn"], "number", str(number)) in tags
    again = pass_by(denied, home)
    again.run()
    assert again.documents == 0
