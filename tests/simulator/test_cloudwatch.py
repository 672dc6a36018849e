"""The simulated CloudWatch as boto3 meets it: limits of a call, pages, what is kept, and measurements that add up."""

import pytest
from botocore.exceptions import ClientError

from pipelines.simulator import Fleet, Simulator
from pipelines.simulator import cloudwatch as simulated
from tests.simulator.clients import client
from tests.simulator.made import T0, job

DAY = 24 * 3600
NOW = T0 + 400 * DAY
AGES = {"young": 1, "middling": 30, "old": 100, "forgotten": 456}


def ran(name, days_ago, **members):
    started = NOW - days_ago * DAY
    config = {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2}
    return job(name, started, TrainingEndTime=started + 2 * 3600, ResourceConfig=config, **members)


@pytest.fixture(scope="module")
def simulator():
    fleet = [ran(name, days_ago) for name, days_ago in AGES.items()]
    fleet.append(ran("metered", 1, AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "x"}]}))
    fleet.append(ran("elsewhere", 1, account="444455556666"))
    with Simulator(Fleet(fleet), now=NOW) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def cloudwatch(simulator):
    return client(simulator, "cloudwatch")


def query(name, period=60, metric="CPUUtilization", stat="Average", dimension="Host", number=0):
    measured = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": metric,
        "Dimensions": [{"Name": dimension, "Value": name}],
    }
    return {"Id": f"q{number}", "MetricStat": {"Metric": measured, "Period": period, "Stat": stat}}


def ask(cloudwatch, *queries, start=NOW - 2 * DAY, end=NOW, **parameters):
    return cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end, **parameters)


def values(cloudwatch, name, period=60, days_ago=2, **asked):
    (result,) = ask(cloudwatch, query(name, period, **asked), start=NOW - days_ago * DAY)["MetricDataResults"]
    return dict(zip((each.timestamp() for each in result["Timestamps"]), result["Values"], strict=True))


@pytest.mark.parametrize("name", AGES)
@pytest.mark.parametrize("period", [60, 300, 3600])
def test_what_is_older_is_kept_in_longer_periods_alone(cloudwatch, name, period):
    start = NOW - AGES[name] * DAY - 3600
    (result,) = ask(cloudwatch, query(f"{name}/algo-1", period), start=start, end=start + DAY)["MetricDataResults"]
    finest = {"young": 60, "middling": 300, "old": 3600, "forgotten": 10**9}[name]
    assert bool(result["Values"]) == (period >= finest)


def test_periods_are_the_means_and_maxima_of_their_minutes(cloudwatch):
    for metric in ("GPUUtilization", "CPUUtilization", "MemoryUtilization"):
        minutes = values(cloudwatch, "young/algo-2", metric=metric)
        for period in (300, 3600):
            means = values(cloudwatch, "young/algo-2", period, metric=metric)
            maxima = values(cloudwatch, "young/algo-2", period, metric=metric, stat="Maximum")
            assert means.keys() == maxima.keys()
            for start, mean in means.items():
                within = [value for minute, value in minutes.items() if start <= minute < start + period]
                assert mean == pytest.approx(sum(within) / len(within))
                assert maxima[start] == pytest.approx(max(within))


def test_only_what_there_is_has_measurements(cloudwatch):
    assert len(values(cloudwatch, "young/algo-2")) == 121
    assert len(values(cloudwatch, "metered", metric="loss", dimension="TrainingJobName")) == 121
    for asked in (
        {"name": "young/algo-3"},
        {"name": "nobody/algo-1"},
        {"name": "young/algo-1", "metric": "Temperature"},
        {"name": "young", "metric": "loss", "dimension": "TrainingJobName"},
    ):
        assert values(cloudwatch, **asked) == {}


def test_an_account_sees_its_own(simulator):
    sts = client(simulator, "sts").assume_role(RoleArn="arn:aws:iam::444455556666:role/reader", RoleSessionName="test")
    given = sts["Credentials"]
    own = client(
        simulator,
        "cloudwatch",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert values(own, "elsewhere/algo-1")
    assert not values(own, "young/algo-1")


def test_pages_go_on_where_the_one_before_ended(cloudwatch, monkeypatch):
    monkeypatch.setattr(simulated, "MOST_POINTS", 50)
    queries = [query("young/algo-1"), query("nobody/algo-1", number=1), query("young/algo-2", number=2)]
    pages, token = [], {}
    while True:
        pages.append(ask(cloudwatch, *queries, **token))
        if "NextToken" not in pages[-1]:
            break
        token = {"NextToken": pages[-1]["NextToken"]}
    assert len(pages) == 5  # of 242 points
    results = [result for page in pages for result in page["MetricDataResults"]]
    for number in range(3):
        statuses = [result["StatusCode"] for result in results if result["Id"] == f"q{number}"]
        assert statuses == ["PartialData"] * (len(statuses) - 1) + ["Complete"]
    assert sum(len(result["Values"]) for result in results) == 242
    with pytest.raises(ClientError, match="InvalidNextToken"):
        ask(cloudwatch, *queries, NextToken="?")


@pytest.mark.parametrize(
    ("queries", "window", "code"),
    [
        ([query("young/algo-1", number=number) for number in range(501)], 600, "ValidationError"),
        ([query("young/algo-1")] * 2, 600, "ValidationError"),
        ([query("young/algo-1")], -60, "ValidationError"),
        ([query("young/algo-1", number=number) for number in range(500)], DAY, "Throttling"),
    ],
    ids=["too many", "the same id", "no window", "too wide"],
)
def test_a_call_has_limits(cloudwatch, queries, window, code):
    with pytest.raises(ClientError, match=code):
        ask(cloudwatch, *queries, start=NOW - DAY, end=NOW - DAY + window)
