"""What Search leaves out is described: only where it is needed, once, and kept beside Search's own answer."""

import json

import pytest

from pipelines.harvest.archive import RawArchive
from pipelines.harvest.describe import MOST_VAIN
from pipelines.harvest.whole import whole
from pipelines.simulator import Fault, Fleet, Simulator, view
from pipelines.simulator.errors import ServiceError
from pipelines.simulator.service import NOT_FOUND, SageMaker
from tests.harvest.passes import SOURCE, described, held, received, run_pass, searched
from tests.simulator.made import T0, job

DAY = 86_400


@pytest.fixture
def without_transitions(monkeypatch):
    """A Search whose jobs lack their transitions."""
    hidden = view.shapes.describe_only() | {"SecondaryStatusTransitions"}
    monkeypatch.setattr(view.shapes, "describe_only", lambda: hidden)


def fleet(count=30):
    tags = [{"Key": "team", "Value": "a"}]
    return Fleet(job(f"job-{n:02}", T0 + 100 * n, Tags=tags, ProfilingStatus="Disabled") for n in range(count))


def test_nothing_is_described_where_search_tells_all(home):
    with Simulator(fleet()) as simulator:
        run_pass(simulator, home)
        assert simulator.calls == {"Search": 1}


def test_a_started_job_without_transitions_is_described_once(without_transitions, home):
    jobs = fleet()
    with Simulator(jobs) as simulator:
        run_pass(simulator, home)
        assert simulator.calls == {"Search": 1, "DescribeTrainingJob": 30}
        assert held(home) == described(jobs.documents)
        run_pass(simulator, home)
        assert simulator.calls == {"Search": 2, "DescribeTrainingJob": 30}


def test_raw_keeps_both_answers_as_they_were_received(without_transitions, home):
    jobs = fleet(1)
    with Simulator(jobs) as simulator:
        run_pass(simulator, home)
    archive = RawArchive(home.raw)
    ((_, document, description, tags),) = archive.observations(archive.batches(SOURCE)[0])
    (final,) = jobs.documents
    assert json.loads(document) == {
        name: final[name] for name in final.keys() - {"ProfilingStatus", "SecondaryStatusTransitions"}
    }
    assert json.loads(description) == {name: final[name] for name in final.keys() - {"Tags"}}
    assert tags == b""


def test_a_change_is_described_anew(without_transitions, home):
    jobs = fleet()
    with Simulator(jobs, now=T0 + 100 * 29 + 20) as simulator:  # the last job is in training
        run_pass(simulator, home)
        simulator.calls.clear()
        simulator.advance(DAY)
        run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == 1
    assert held(home) == described(jobs.documents)


@pytest.mark.parametrize(("when", "calls"), [("never", 0), ("always", 30)])
def test_the_setting_says_which_jobs_are_described(home, when, calls):
    jobs = fleet()
    with Simulator(jobs) as simulator:
        run_pass(simulator, home, describe=when)
        assert simulator.calls["DescribeTrainingJob"] == calls
    assert held(home) == (described if when == "always" else searched)(jobs.documents)


def test_what_no_description_mends_is_asked_for_a_few_times_only(home):
    jobs = Fleet(job(f"job-{n:02}", T0 + 100 * n, SecondaryStatusTransitions=[]) for n in range(30))
    with Simulator(jobs) as simulator:
        run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == MOST_VAIN


def test_jobs_of_2018_are_not_described(home):
    old = job("old")
    for name in ("SecondaryStatusTransitions", "TrainingTimeInSeconds", "BillableTimeInSeconds"):
        del old[name]
    with Simulator(Fleet([old])) as simulator:
        run_pass(simulator, home)
        assert simulator.calls == {"Search": 1}


def test_where_describing_is_denied_the_jobs_come_with_their_gaps_and_a_warning(without_transitions, home):
    jobs = fleet()
    with Simulator(jobs) as simulator:
        simulator.inject(Fault(kind="access-denied", operation="DescribeTrainingJob"))
        done = run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] <= MOST_VAIN
    assert len(received(home)) == 30
    (warning,) = done.warnings
    assert "sagemaker:DescribeTrainingJob" in warning


def test_a_job_that_is_gone_when_it_is_described_stays_as_search_gave_it(home, monkeypatch):
    def is_gone(self, view, parameters):
        raise ServiceError("ValidationException", NOT_FOUND)

    monkeypatch.setattr(SageMaker, "_describe_training_job", is_gone)
    jobs = fleet(3)
    with Simulator(jobs) as simulator:
        run_pass(simulator, home, describe="always")
        assert simulator.calls["DescribeTrainingJob"] == 3
    assert held(home) == searched(jobs.documents)


def test_no_secret_comes_with_a_description(without_transitions, home):
    secret = {"Environment": {"DB_PASSWORD": "planted-secret"}}
    with Simulator(Fleet([job("job", **secret)])) as simulator:
        run_pass(simulator, home)
        assert simulator.calls["DescribeTrainingJob"] == 1
    archive = RawArchive(home.raw)
    ((_, document, description, _),) = archive.observations(archive.batches(SOURCE)[0])
    assert b"DB_PASSWORD" in document
    assert b"DB_PASSWORD" in description
    assert b"planted-secret" not in document + description


def encoded(**members):
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("document", "description", "expected"),
    [
        ({"LastModifiedTime": 5, "a": 1, "Tags": []}, {"LastModifiedTime": 5, "a": 2, "b": 3}, {"a": 2, "b": 3}),
        ({"LastModifiedTime": 5, "a": 1}, {"LastModifiedTime": 4, "a": 2, "b": 3}, {"a": 1, "b": 3}),
        ({"LastModifiedTime": 5, "a": 1}, {"LastModifiedTime": 6, "a": None, "b": 3}, {"LastModifiedTime": 6, "b": 3}),
        ({"LastModifiedTime": 5, "a": None}, {"LastModifiedTime": 4, "a": 2}, {"a": 2}),
    ],
)
def test_a_description_has_the_say_unless_it_is_older(document, description, expected):
    assert json.loads(whole(encoded(**document), encoded(**description))) == document | expected


@pytest.mark.parametrize("document", [b"[]", b"not JSON", b'"***"', b'{"a":\xff}'])
def test_a_document_that_is_no_object_stays_as_it_is(document):
    assert whole(document, b'{"a":1}', b"[]") == document
