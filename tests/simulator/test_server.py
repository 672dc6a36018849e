"""The simulated service as the real boto3 client meets it."""

import gzip
import http.client
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from pipelines.errors import TrainyardError
from pipelines.simulator import Fleet, Simulator
from tests.simulator.clients import assumed, client
from tests.simulator.made import T0, job

OTHER = "012345678901"


@pytest.fixture(scope="module")
def fleet():
    jobs = [job(f"job-{n:02}", T0 + n * 100, Tags=[{"Key": "n", "Value": str(n)}]) for n in range(25)]
    jobs += [job("job-west", T0, region="us-west-2"), job("job-other", T0 + 5000, account=OTHER)]
    jobs[3] |= {"ProfilingStatus": "Disabled", "NoModelKnowsThis": {"deep": [1.5]}, "TuningJobArn": None}
    jobs[4]["WarmPoolStatus"] = {"Status": "Terminated"}
    return Fleet(jobs)


@pytest.fixture
def simulator(fleet):
    with Simulator(fleet) as running:
        yield running


@pytest.fixture
def sagemaker(simulator):
    return client(simulator)


def names(answer):
    return [result["TrainingJob"]["TrainingJobName"] for result in answer["Results"]]


def refusal(call, **parameters):
    """Code and message of the error that a call is answered with."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def modified_since(instant):
    value = f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%S}"
    return {"Filters": [{"Name": "LastModifiedTime", "Operator": "GreaterThanOrEqualTo", "Value": value}]}


# Search


def test_search_by_default_is_ten_newest_first(sagemaker):
    answer = sagemaker.search(Resource="TrainingJob")
    assert answer["TotalHits"] == {"Value": 27, "Relation": "EqualTo"}
    assert names(answer) == ["job-other", *(f"job-{n}" for n in range(24, 15, -1))]
    assert answer["Results"][1]["TrainingJob"]["CreationTime"] == datetime.fromtimestamp(T0 + 2400, UTC)
    assert answer["NextToken"]


def test_search_pages_to_the_end(sagemaker):
    question = {"Resource": "TrainingJob", "SortBy": "LastModifiedTime", "SortOrder": "Ascending", "MaxResults": 9}
    pages = list(sagemaker.get_paginator("search").paginate(**question))
    assert [len(page["Results"]) for page in pages] == [9, 9, 9]
    assert len({name for page in pages for name in names(page)}) == 27
    modified = [result["TrainingJob"]["LastModifiedTime"] for page in pages for result in page["Results"]]
    assert modified == sorted(modified)
    assert "NextToken" not in pages[-1]


@pytest.mark.parametrize("operator", ["GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo", "Equals"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("sort_by", ["LastModifiedTime", "TrainingJobName"])
def test_bisecting_finds_what_looking_at_each_job_finds(sagemaker, fleet, operator, order, sort_by):
    bound = T0 + 1070
    value = f"{datetime.fromtimestamp(bound, UTC):%Y-%m-%dT%H:%M:%S}"
    holds = {
        "GreaterThan": lambda instant: instant > bound,
        "GreaterThanOrEqualTo": lambda instant: instant >= bound,
        "LessThan": lambda instant: instant < bound,
        "LessThanOrEqualTo": lambda instant: instant <= bound,
        "Equals": lambda instant: instant == bound,
    }[operator]
    answer = sagemaker.search(
        Resource="TrainingJob",
        SearchExpression={
            "Filters": [
                {"Name": "LastModifiedTime", "Operator": operator, "Value": value},
                {"Name": "TrainingJobName", "Operator": "NotEquals", "Value": "job-12"},
            ]
        },
        SortBy=sort_by,
        SortOrder=order,
        MaxResults=100,
    )
    kept = [d for d in fleet.documents if holds(d["LastModifiedTime"]) and d["TrainingJobName"] != "job-12"]
    expected = sorted(kept, key=lambda d: d[sort_by], reverse=order == "Descending")
    assert [
        r["TrainingJob"][sort_by] if sort_by == "TrainingJobName" else r["TrainingJob"][sort_by].timestamp()
        for r in answer["Results"]
    ] == [d[sort_by] for d in expected]
    assert answer["TotalHits"]["Value"] == len(expected)


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_jobs_without_the_property_to_sort_by_come_last(sagemaker, order):
    answer = sagemaker.search(Resource="TrainingJob", SortBy="WarmPoolStatus.Status", SortOrder=order, MaxResults=2)
    assert names(answer)[0] == "job-04"
    assert answer["TotalHits"]["Value"] == 27


def test_search_has_tags_and_unknown_members_but_not_those_of_describe(simulator):
    connection = http.client.HTTPConnection("127.0.0.1", int(simulator.url.rpartition(":")[2]))
    body = {
        "Resource": "TrainingJob",
        "SearchExpression": {"Filters": [{"Name": "TrainingJobName", "Value": "job-03"}]},
    }
    job_03 = post(connection, "Search", body)["Results"][0]["TrainingJob"]
    described = post(connection, "DescribeTrainingJob", {"TrainingJobName": "job-03"})
    connection.close()
    assert job_03["NoModelKnowsThis"] == described["NoModelKnowsThis"] == {"deep": [1.5]}
    assert job_03["TuningJobArn"] is None
    assert job_03["Tags"] == [{"Key": "n", "Value": "3"}]
    assert "ProfilingStatus" not in job_03
    assert described["ProfilingStatus"] == "Disabled"
    assert "Tags" not in described


def post(connection, operation, body):
    headers = {
        "X-Amz-Target": f"SageMaker.{operation}",
        "Authorization": "AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/sagemaker/aws4_request",
    }
    connection.request("POST", "/", json.dumps(body), headers)
    return json.load(connection.getresponse())


def test_a_token_is_bound_to_its_query(sagemaker):
    token = sagemaker.search(Resource="TrainingJob", MaxResults=5)["NextToken"]
    assert names(sagemaker.search(Resource="TrainingJob", MaxResults=100, NextToken=token))[0] == "job-20"
    for other in ({"SortBy": "TrainingJobName"}, {"SearchExpression": modified_since(T0)}):
        code, _ = refusal(sagemaker.search, Resource="TrainingJob", NextToken=token, **other)
        assert code == "ValidationException"
    for made_up in ("x", "AAAA", "ééé", token[4:]):
        assert refusal(sagemaker.search, Resource="TrainingJob", NextToken=made_up)[0] == "ValidationException"
    assert refusal(sagemaker.list_training_jobs, NextToken=token)[0] == "ValidationException"


@pytest.mark.parametrize(
    "parameters",
    [
        {"Resource": "Endpoint"},
        {"Resource": "Nothing"},
        {"Resource": "TrainingJob", "MaxResults": 101},
        {"Resource": "TrainingJob", "SortOrder": "Up"},
        {"Resource": "TrainingJob", "SortBy": "NoSuchProperty"},
    ],
)
def test_wrong_searches_are_refused(sagemaker, parameters):
    assert refusal(sagemaker.search, **parameters)[0] == "ValidationException"


# The clock


def test_jobs_move_through_their_statuses(fleet):
    with Simulator(fleet, now=T0 + 105) as simulator:
        sagemaker = client(simulator)
        assert simulator.now == T0 + 105
        described = sagemaker.describe_training_job(TrainingJobName="job-01")
        assert described["SecondaryStatus"] == "Starting"
        assert refusal(sagemaker.describe_training_job, TrainingJobName="job-02")[1] == "Requested resource not found."
        assert sagemaker.search(Resource="TrainingJob")["TotalHits"]["Value"] == 3
        simulator.advance(65)
        assert sagemaker.describe_training_job(TrainingJobName="job-01")["TrainingJobStatus"] == "Completed"
        simulator.set_time(T0)
        assert sagemaker.search(Resource="TrainingJob")["TotalHits"]["Value"] == 2


def test_a_harvest_by_last_modified_time_meets_every_change(fleet):
    with Simulator(fleet, now=T0) as simulator:
        sagemaker = client(simulator)
        seen, since = {}, T0
        while simulator.now < T0 + 6000:
            for page in sagemaker.get_paginator("search").paginate(
                Resource="TrainingJob",
                SearchExpression=modified_since(since),
                SortBy="LastModifiedTime",
                SortOrder="Ascending",
                MaxResults=100,
            ):
                for result in page["Results"]:
                    seen[result["TrainingJob"]["TrainingJobArn"]] = result["TrainingJob"]
                    since = max(since, result["TrainingJob"]["LastModifiedTime"].timestamp())
            simulator.advance(333)
        assert len(seen) == 27
        assert {record["TrainingJobStatus"] for record in seen.values()} == {"Completed"}


def test_the_date_of_answers_is_the_clock(simulator, sagemaker):
    simulator.set_time(T0)
    headers = sagemaker.search(Resource="TrainingJob")["ResponseMetadata"]["HTTPHeaders"]
    assert headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_by_default_it_is_the_newest_instant_of_the_fleet(fleet):
    with Simulator(fleet) as simulator:
        assert simulator.now == T0 + 5070
    with Simulator(Fleet([])) as simulator:
        assert simulator.now == 0


# The other operations


def test_list_training_jobs_filters_after_paging(sagemaker):
    pages = list(
        sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains="job-1", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 10}
        )
    )
    assert [len(page["TrainingJobSummaries"]) for page in pages] == [0, 10, 0]
    assert "NextToken" in pages[0]
    assert pages[1]["TrainingJobSummaries"][0].keys() == {
        *("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime"),
        *("TrainingJobStatus", "SecondaryStatus"),
    }


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"StatusEquals": "Failed"}, 0),
        ({"StatusEquals": "Completed"}, 27),
        ({"WarmPoolStatusEquals": "Terminated"}, 1),
        ({"CreationTimeAfter": datetime.fromtimestamp(T0 + 2300, UTC)}, 2),
        ({"CreationTimeBefore": datetime.fromtimestamp(T0 + 100, UTC)}, 2),
        ({"LastModifiedTimeAfter": datetime.fromtimestamp(T0 + 2469, UTC)}, 2),
        ({"LastModifiedTimeBefore": datetime.fromtimestamp(T0 + 70, UTC)}, 0),
        ({"TrainingPlanArnEquals": f"arn:aws:sagemaker:eu-west-1:{OTHER}:training-plan/plan"}, 0),
    ],
)
def test_filters_of_list_training_jobs(sagemaker, filters, expected):
    assert len(sagemaker.list_training_jobs(MaxResults=100, **filters)["TrainingJobSummaries"]) == expected


def test_a_missing_job(sagemaker):
    missing = ("ValidationException", "Requested resource not found.")
    assert refusal(sagemaker.describe_training_job, TrainingJobName="nobody") == missing
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/nobody"
    assert refusal(sagemaker.list_tags, ResourceArn=arn) == missing


def test_tags_come_in_pages():
    tags = [{"Key": f"k{n}", "Value": "v"} for n in range(60)]
    document = job("tagged", Tags=tags)
    with Simulator(Fleet([document])) as simulator:
        pages = list(client(simulator).get_paginator("list_tags").paginate(ResourceArn=document["TrainingJobArn"]))
    assert [len(page["Tags"]) for page in pages] == [50, 10]
    assert [tag for page in pages for tag in page["Tags"]] == tags


def test_unknown_operations_are_refused(simulator, sagemaker):
    assert refusal(sagemaker.list_endpoints)[0] == "UnknownOperationException"
    assert refusal(client(simulator, "sts").get_session_token)[0] == "InvalidAction"
    assert simulator.calls == {"ListEndpoints": 1, "GetSessionToken": 1}


def test_unsigned_and_garbled_requests_are_refused(simulator):
    connection = http.client.HTTPConnection("127.0.0.1", int(simulator.url.rpartition(":")[2]))
    for authorization, body, code in (
        ("", b"{}", "UnrecognizedClientException"),
        ("Credential=KEY/20260101/eu-west-1/sagemaker/aws4_request", b"{", "SerializationException"),
        ("Credential=KEY/20260101/eu-west-1/sagemaker/aws4_request", b"[]", "SerializationException"),
        ("Credential=KEY/20260101/eu-west-1/sagemaker/aws4_request", b"{}", "ValidationException"),
    ):
        connection.request("POST", "/", body, {"X-Amz-Target": "SageMaker.Search", "Authorization": authorization})
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["__type"]) == (400, code)
    connection.close()


# Accounts


def test_an_assumed_role_sees_its_account_and_region(simulator):
    assert names(assumed(simulator, OTHER).search(Resource="TrainingJob")) == ["job-other"]
    assert names(assumed(simulator, "111122223333", "us-west-2").search(Resource="TrainingJob")) == ["job-west"]
    home = assumed(simulator, "111122223333")
    assert home.search(Resource="TrainingJob")["TotalHits"]["Value"] == 25
    assert refusal(home.describe_training_job, TrainingJobName="job-west")[0] == "ValidationException"
    assert len(home.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]) == 25


def test_who_the_caller_is(simulator):
    sts = client(simulator, "sts")
    assert sts.get_caller_identity()["Account"] == "111122223333"
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{OTHER}:role/path/reader", RoleSessionName="test", DurationSeconds=900
    )
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/reader/test"
    given = answer["Credentials"]
    assert timedelta(minutes=14) < given["Expiration"] - datetime.now(UTC) < timedelta(minutes=16)
    other = client(
        simulator,
        "sts",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert other.get_caller_identity()["Account"] == OTHER


def test_roles_that_cannot_be_assumed(simulator):
    sts = client(simulator, "sts")
    stranger = "arn:aws:iam::999999999999:role/reader"
    assert refusal(sts.assume_role, RoleArn=stranger, RoleSessionName="test")[0] == "AccessDenied"
    user = f"arn:aws:iam::{OTHER}:user/reader"
    assert refusal(sts.assume_role, RoleArn=user, RoleSessionName="test")[0] == "ValidationError"


# Around the service


def control(simulator, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", int(simulator.url.rpartition(":")[2]))
    connection.request(
        "GET" if body is None else "POST", f"/_simulator/{path}", None if body is None else json.dumps(body)
    )
    response = connection.getresponse()
    answer = response.status, json.load(response)
    connection.close()
    return answer


def test_another_process_can_drive_it(simulator, sagemaker):
    assert control(simulator, "clock") == (200, {"now": T0 + 5070})
    assert control(simulator, "clock", {"now": T0}) == (200, {"now": T0})
    assert control(simulator, "clock", {"advance": 1.5}) == (200, {"now": T0 + 1.5})
    assert simulator.now == T0 + 1.5
    status, faults = control(simulator, "faults", [{"kind": "throttle", "operation": "Search", "count": 1}])
    assert (status, faults[0]["kind"]) == (200, "throttle")
    assert refusal(sagemaker.search, Resource="TrainingJob")[0] == "ThrottlingException"
    assert control(simulator, "calls") == (200, {"Search": 1})
    assert control(simulator, "calls", {}) == (200, {})
    assert control(simulator, "faults", []) == (200, [])
    assert sagemaker.search(Resource="TrainingJob")["Results"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("nothing", None, 404), ("faults", [{"kind": "earthquake"}], 400), ("clock", {"now": "noon"}, 400)],
)
def test_wrong_orders_are_refused(simulator, path, body, status):
    assert control(simulator, path, body)[0] == status


def test_a_taken_port_is_said_in_one_line(simulator):
    port = int(simulator.url.rpartition(":")[2])
    with pytest.raises(TrainyardError, match=f"cannot listen on port {port}"):
        Simulator(Fleet([]), port=port)


def test_ctrl_c_ends_it_cleanly():
    # Where this process ignores SIGINT, as in the background of a shell, its child would too.
    program = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pipelines.simulator import Fleet, Simulator\n"
        "simulator = Simulator(Fleet([]))\n"
        "print(simulator.url, flush=True)\n"
        "simulator.serve_forever()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            port = int(process.stdout.readline().rpartition(b":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", port)  # one that stays open is no hindrance
            connection.request("GET", "/_simulator/clock")
            assert json.load(connection.getresponse()) == {"now": 0}
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
            connection.close()
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_fleet_is_loaded_from_a_file(tmp_path, fleet, suffix):
    text = "\n".join(map(json.dumps, fleet.documents)).encode()
    packed = {"": text, ".gz": gzip.compress(text), ".zst": pa.compress(text, "zstd", asbytes=True)}[suffix]
    path = tmp_path / f"fleet.ndjson{suffix}"
    path.write_bytes(packed)
    assert Fleet.load(path).documents == fleet.documents


def test_fleets_that_cannot_be_loaded(tmp_path):
    (tmp_path / "bad.ndjson").write_text('{"a": 1}\n[]\n')
    with pytest.raises(TrainyardError, match=r"bad.ndjson:2 is not a JSON object"):
        Fleet.load(tmp_path / "bad.ndjson")
    with pytest.raises(TrainyardError, match="cannot read the fleet"):
        Fleet.load(tmp_path / "absent.ndjson")
    (tmp_path / "cut.ndjson.gz").write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(TrainyardError, match="cannot read the fleet"):
        Fleet.load(tmp_path / "cut.ndjson.gz")


def test_a_page_of_a_large_fleet_costs_its_own_length():
    fleet = Fleet(job(f"job-{n}", T0 + n) for n in range(30_000))
    with Simulator(fleet, now=T0 + 29_000) as simulator:
        sagemaker = client(simulator)
        question = {
            "Resource": "TrainingJob",
            "SearchExpression": modified_since(T0),
            "SortBy": "LastModifiedTime",
            "SortOrder": "Ascending",
            "MaxResults": 1,
        }
        token = sagemaker.search(**question)["NextToken"]
        began = time.process_time()
        for _ in range(100):
            token = sagemaker.search(**question, NextToken=token)["NextToken"]
        per_page = (time.process_time() - began) / 100
    assert per_page < 0.02  # looking at every job takes longer
