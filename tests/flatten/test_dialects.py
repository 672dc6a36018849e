"""The dialects that records are met in are brought to the API's own shape."""

import pytest

from pipelines.flatten.dialects import UnreadableError, to_api_shape


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1_700_000_000, 1_700_000_000.0),
        (1_700_000_000.123, 1_700_000_000.123),
        (1_700_000_000_123, 1_700_000_000.123),
        (1_700_000_000_123.0, 1_700_000_000.123),
        ("1700000000123", 1_700_000_000.123),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-15T00:13:20.123000+02:00", 1_700_000_000.123),
        ("2023-11-14T22:13:20", 1_700_000_000.0),
        ("2016-12-31T23:59:60Z", 1_483_228_800.0),
        ("2017-01-01T05:29:60.250+05:30", 1_483_228_800.25),
    ],
)
def test_times(written, seconds):
    assert to_api_shape({"CreationTime": written}).document == {"CreationTime": seconds}


@pytest.mark.parametrize("written", ["2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:61Z"])
def test_no_leap_second_is_within_a_day(written):
    with pytest.raises(UnreadableError, match="CreationTime: expected a time"):
        to_api_shape({"CreationTime": written})


def test_nulls_are_absent():
    document = {"FailureReason": None, "Environment": {"A": None, "B": ""}, "VpcConfig": {"Subnets": None}}
    assert to_api_shape(document).document == {"Environment": {"B": ""}, "VpcConfig": {}}


def test_what_boto3_adds_of_its_call_is_no_member():
    shaped = to_api_shape({"TrainingJobName": "a", "ResponseMetadata": {"HTTPStatusCode": 200}})
    assert (shaped.document, shaped.unmodelled) == ({"TrainingJobName": "a"}, {})


def test_all_times_of_a_record_are_in_one_unit():
    written = {"CreationTime": 1_700_000_000_123, "TrainingStartTime": "86400000000"}
    with pytest.raises(UnreadableError, match="TrainingStartTime: expected a time"):
        to_api_shape(written)
    with pytest.raises(UnreadableError, match="TrainingStartTime: expected a time in milliseconds before 2100"):
        to_api_shape(written | {"TrainingStartTime": 1_700_000_060})
    with pytest.raises(UnreadableError, match="TrainingStartTime: expected a time in seconds up to the year 9999"):
        to_api_shape({"CreationTime": 1_700_000_000, "TrainingStartTime": 1_700_000_060_000})


def test_tags_as_a_map():
    assert to_api_shape({"Tags": {"team": "vision"}}).document == {"Tags": [{"Key": "team", "Value": "vision"}]}


def test_upper_case_values_and_counts_with_a_point():
    document = {
        "TrainingJobStatus": "COMPLETED",
        "AlgorithmSpecification": {"TrainingInputMode": "FILE"},
        "ResourceConfig": {"InstanceType": "ML_M5_LARGE", "InstanceCount": 1.0},
    }
    assert to_api_shape(document).document == {
        "TrainingJobStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def test_a_value_that_the_model_does_not_list_stays_as_it_is():
    assert to_api_shape({"SecondaryStatus": "Verifying"}).document == {"SecondaryStatus": "Verifying"}


def test_numbers_that_json_has_not():
    document = {"FinalMetricDataList": [{"MetricName": "loss", "Value": "NaN"}]}
    assert to_api_shape(document).document == document


def test_what_cannot_be_read_is_named_by_its_path():
    with pytest.raises(UnreadableError, match=r"InputDataConfig\[1\].ChannelName: expected str"):
        to_api_shape({"InputDataConfig": [{}, {"ChannelName": 1}]})
