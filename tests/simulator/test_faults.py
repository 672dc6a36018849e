"""Each fault, as the real boto3 client meets it."""

from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.faults import Faults
from tests.simulator.clients import client
from tests.simulator.made import job

SEARCH = {"Resource": "TrainingJob", "SortBy": "TrainingJobName", "SortOrder": "Ascending"}


@pytest.fixture
def simulator():
    with Simulator(Fleet(job(f"job-{n:02}") for n in range(30))) as running:
        yield running


@pytest.fixture
def sagemaker(simulator):
    return client(simulator)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "ThrottlingException", 400),
        ("server-error", "InternalFailure", 500),
        ("expired-credentials", "ExpiredTokenException", 400),
        ("access-denied", "AccessDeniedException", 400),
    ],
)
def test_errors(simulator, sagemaker, kind, code, status):
    simulator.inject(Fault(kind=kind))
    for call in (lambda: sagemaker.search(**SEARCH), client(simulator, "sts").get_caller_identity):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert simulator.calls == {"Search": 1, "GetCallerIdentity": 1}
    simulator.clear_faults()
    assert sagemaker.search(**SEARCH)["Results"]


@pytest.mark.parametrize("kind", ["throttle", "server-error", "drop"])
def test_the_client_tries_again(simulator, kind):
    simulator.inject(Fault(kind=kind, count=1))
    assert client(simulator, attempts=3).search(**SEARCH)["Results"]
    assert simulator.calls["Search"] == 2


def test_drop(simulator, sagemaker):
    simulator.inject(Fault(kind="drop"))
    with pytest.raises(ConnectionClosedError):
        sagemaker.search(**SEARCH)


# botocore does not hold an answer to its Content-Length.
@pytest.mark.parametrize("kind", ["truncate", "short-body", "no-results"])
def test_an_answer_cut_short_looks_like_a_success(simulator, sagemaker, kind):
    simulator.inject(Fault(kind=kind))
    answer = sagemaker.search(**SEARCH)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert not {"Results", "NextToken", "TotalHits"} & answer.keys()


@pytest.mark.parametrize(("kind", "promises_all"), [("truncate", False), ("short-body", True)])
def test_what_a_cut_answer_promises(simulator, sagemaker, kind, promises_all):
    whole = length(sagemaker.search(**SEARCH))
    simulator.inject(Fault(kind=kind))
    assert length(sagemaker.search(**SEARCH)) == (whole if promises_all else whole // 2)


def length(answer):
    return int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"])


def test_slow(simulator):
    simulator.inject(Fault(kind="slow", seconds=60))
    impatient = client(simulator, timeout_seconds=0.2)
    with pytest.raises(ReadTimeoutError):
        impatient.search(**SEARCH)


def test_an_empty_page_is_not_the_end(simulator, sagemaker):
    simulator.inject(Fault(kind="empty-page", after=1, count=1))
    pages = list(sagemaker.get_paginator("search").paginate(**SEARCH))
    assert [len(page["Results"]) for page in pages] == [10, 0, 10, 10]
    names = [result["TrainingJob"]["TrainingJobName"] for page in pages for result in page["Results"]]
    assert names == [f"job-{n:02}" for n in range(30)]
    assert pages[1]["TotalHits"]["Value"] == 30


def test_a_fault_of_one_operation_leaves_the_others(simulator, sagemaker):
    simulator.inject(Fault(kind="throttle", operation="ListTrainingJobs"))
    assert sagemaker.search(**SEARCH)["Results"]
    with pytest.raises(ClientError):
        sagemaker.list_training_jobs()


def test_after_and_count():
    faults = Faults()
    faults.inject(Fault(kind="drop", operation="Search", after=2, count=3))
    assert faults.befalling("ListTags") is None
    struck = [faults.befalling("Search") is not None for _ in range(7)]
    assert struck == [False, False, True, True, True, False, False]


def test_probability_is_seeded():
    def run():
        faults = Faults()
        faults.inject(Fault(kind="drop", probability=0.25))
        return [faults.befalling("Search") is not None for _ in range(1000)]

    assert run() == run()
    assert 200 < sum(run()) < 300


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="no such fault: earthquake"):
        Fault(kind="earthquake")


def test_a_token_that_expires(simulator, sagemaker):
    simulator.inject(Fault(kind="expired-token"))
    first = sagemaker.search(**SEARCH)
    with pytest.raises(ClientError) as refused:
        sagemaker.search(**SEARCH, NextToken=first["NextToken"])
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("kind", ["no-date", "wrong-date"])
def test_the_date_of_an_answer(simulator, sagemaker, kind):
    def date():
        return sagemaker.search(**SEARCH)["ResponseMetadata"]["HTTPHeaders"].get("date")

    assert parsedate_to_datetime(date()).timestamp() == simulator.now
    simulator.inject(Fault(kind=kind, seconds=-3600))
    if kind == "no-date":
        assert date() is None
    else:
        assert parsedate_to_datetime(date()).timestamp() == simulator.now - 3600


def test_a_search_gives_no_more_than_its_most_hits():
    with Simulator(Fleet(job(f"job-{n:02}") for n in range(30)), most_hits=15) as simulator:
        pages = list(client(simulator).get_paginator("search").paginate(**SEARCH))
    assert [len(page["Results"]) for page in pages] == [10, 5]
    assert {page["TotalHits"]["Value"] for page in pages} == {30}


def test_the_index_may_show_a_change_late():
    late = {"late": 100}
    fleet = Fleet([job("late"), job("prompt")])
    with Simulator(fleet, index_delay_seconds=lambda document: late.get(document["TrainingJobName"], 0)) as simulator:
        sagemaker = client(simulator)

        def statuses():
            found = [result["TrainingJob"] for result in sagemaker.search(**SEARCH)["Results"]]
            return [job["TrainingJobStatus"] for job in found]

        assert statuses() == ["Completed"]
        assert sagemaker.describe_training_job(TrainingJobName="late")["TrainingJobStatus"] == "Completed"
        simulator.advance(50)
        assert statuses() == ["InProgress", "Completed"]
        simulator.advance(50)
        assert statuses() == ["Completed", "Completed"]
