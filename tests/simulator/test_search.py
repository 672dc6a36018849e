"""The Search language, on documents alone."""

import pytest

from pipelines.simulator import shapes
from pipelines.simulator.errors import ServiceError
from pipelines.simulator.search import compiled, sort_property
from tests.simulator.made import T0, job

JOB = job(
    "resnet-1",
    CreationTime=T0 + 0.5,  # 2023-11-14T22:13:20.5
    EnableManagedSpotTraining=True,
    HyperParameters={"learning_rate": "0.5", "optimizer.kind": "adam", "epochs": "10", "quoted": '"32"'},
    Environment={"STAGE": "prod"},
    Tags=[{"Key": "team", "Value": "vision"}, {"Key": "empty", "Value": ""}],
    FinalMetricDataList=[{"MetricName": "validation:accuracy", "Value": 0.91, "Timestamp": T0}],
    InputDataConfig=[
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://mine/train"}}},
        {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": "s3://theirs/test"}}},
    ],
    VpcConfig={"SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": []},
    FailureReason=None,
)


def holds(name, operator=None, value=None):
    condition = {"Name": name, "Operator": operator, "Value": value}
    return finds({"Filters": [{key: given for key, given in condition.items() if given is not None}]})


def finds(expression):
    shapes.check("Search", {"Resource": "TrainingJob", "SearchExpression": expression})
    return compiled(expression).holds(JOB)


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("TrainingJobName", None, "resnet-1", True),
        ("TrainingJobName", "Equals", "resnet", False),
        ("TrainingJobName", "NotEquals", "resnet", True),
        ("TrainingJobName", "Contains", "net", True),
        ("TrainingJobName", "In", "a, resnet-1,b", True),
        ("TrainingJobName", "In", "a,b", False),
        ("TrainingJobStatus", "Equals", "Completed", True),
        ("ResourceConfig.InstanceType", "Equals", "ml.m5.large", True),
        ("ResourceConfig.InstanceCount", "Equals", "1", True),
        ("ResourceConfig.InstanceCount", "Equals", "1.0", True),
        ("ResourceConfig.InstanceCount", "GreaterThan", "1", False),
        ("ResourceConfig.InstanceCount", "GreaterThanOrEqualTo", "1", True),
        ("ResourceConfig.InstanceCount", "LessThan", "1.5", True),
        ("ResourceConfig.InstanceCount", "LessThanOrEqualTo", "0", False),
        ("EnableManagedSpotTraining", "Equals", "true", True),
        ("EnableManagedSpotTraining", "NotEquals", "true", False),
        ("CreationTime", "GreaterThan", "2023-11-14T22:13:20", True),
        ("CreationTime", "Equals", "2023-11-14T22:13:20", False),
        ("CreationTime", "LessThan", "2023-11-14T22:13:21", True),
        ("LastModifiedTime", "Equals", "2023-11-14T22:14:30", True),
        ("FailureReason", "Exists", None, False),
        ("FailureReason", "NotExists", None, True),
        ("FailureReason", "Equals", "anything", False),
        ("FailureReason", "NotEquals", "anything", True),
        ("InputDataConfig", "Exists", None, True),
        ("InputDataConfig.ChannelName", "Equals", "test", True),
        ("VpcConfig.SecurityGroupIds", "Equals", "sg-2", True),
        ("VpcConfig.Subnets", "Exists", None, False),
        ("Tags.team", "Equals", "vision", True),
        ("Tags.team", "Contains", "vis", True),
        ("Tags.empty", "Exists", None, True),
        ("Tags.other", "Exists", None, False),
        ("Environment.STAGE", "Equals", "prod", True),
        ("HyperParameters.learning_rate", "LessThan", "0.6", True),
        ("HyperParameters.learning_rate", "LessThan", "0.5", False),
        ("HyperParameters.learning_rate", "LessThan", "1", True),  # an integer asks for integers: 0 < 1
        ("HyperParameters.learning_rate", "Equals", "0", True),
        ("HyperParameters.epochs", "Equals", "10", True),
        ("HyperParameters.epochs", "GreaterThan", "9", True),
        ("HyperParameters.quoted", "Equals", "32", False),
        ("HyperParameters.optimizer.kind", "Equals", "adam", True),
        ("HyperParameters.optimizer.kind", "GreaterThan", "3", False),
        ("Metrics.validation:accuracy", "GreaterThan", "0.9", True),
        ("Metrics.loss", "Exists", None, False),
    ],
)
def test_filters(name, operator, value, expected):
    assert holds(name, operator, value) is expected


@pytest.mark.parametrize(
    ("name", "operator", "value"),
    [
        ("NoSuchProperty", "Exists", None),
        ("ResourceConfig.NoSuchProperty", "Exists", None),
        ("TrainingJobName.Below", "Exists", None),
        ("ProfilingStatus", "Exists", None),  # only Describe has it
        ("TrainingJobName", "Equals", None),
        ("TrainingJobName", "GreaterThan", "a"),
        ("TrainingJobName", "IsLike", "a"),
        ("TrainingJobName", "Equals", ""),
        ("HyperParameters.optimizer.kind", "GreaterThan", "adam"),
        ("ResourceConfig", "Equals", "1"),
        ("ResourceConfig.InstanceCount", "Equals", "one"),
        ("ResourceConfig.InstanceCount", "Equals", "nan"),
        ("ResourceConfig.InstanceCount", "Equals", "1e999"),
        ("ResourceConfig.InstanceCount", "Contains", "1"),
        ("ResourceConfig.InstanceCount", "In", "1,2"),
        ("EnableManagedSpotTraining", "Equals", "yes"),
        ("EnableManagedSpotTraining", "GreaterThan", "true"),
        ("CreationTime", "Equals", "2023-11-14"),
        ("CreationTime", "Equals", "2023-11-14 22:13:20"),
        ("CreationTime", "Equals", "2023-11-14T22:13:20Z"),
        ("CreationTime", "Equals", "2023-11-14T22:13:20.500"),
        ("CreationTime", "Equals", "2023-11-31T22:13:20"),
        ("CreationTime", "Equals", "1700000000"),
        ("CreationTime", "Contains", "2023-11-14T22:13:20"),
    ],
)
def test_what_is_refused(name, operator, value):
    with pytest.raises(ServiceError) as refused:
        holds(name, operator, value)
    assert refused.value.code == "ValidationException"


def is_named(name):
    return {"Name": "TrainingJobName", "Operator": "Equals", "Value": name}


def test_and_is_the_default_and_or_needs_one():
    filters = [is_named("resnet-1"), is_named("other")]
    assert not finds({"Filters": filters})
    assert not finds({"Filters": filters, "Operator": "And"})
    assert finds({"Filters": filters, "Operator": "Or"})


def test_sub_expressions():
    either = {"Filters": [is_named("resnet-1"), is_named("other")], "Operator": "Or"}
    assert finds({"SubExpressions": [either, {"Filters": [is_named("resnet-1")]}]})
    assert not finds({"SubExpressions": [either, {"Filters": [is_named("other")]}]})


def channel_is_from(channel, bucket):
    filters = [
        {"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": channel},
        {"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": bucket},
    ]
    return {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]}


def test_nested_filters_are_about_one_element():
    assert finds(channel_is_from("train", "mine"))
    assert not finds(channel_is_from("train", "theirs"))


@pytest.mark.parametrize(
    ("nested", "name"), [("ResourceConfig", "ResourceConfig.InstanceType"), ("Tags", "CreationTime")]
)
def test_nested_filters_need_a_list_and_its_properties(nested, name):
    with pytest.raises(ServiceError, match=r"nested property|not on a property"):
        finds({"NestedFilters": [{"NestedPropertyName": nested, "Filters": [{"Name": name, "Operator": "Exists"}]}]})


def test_limits():
    twenty = [is_named("resnet-1")] * 20
    assert finds({"Filters": twenty})
    with pytest.raises(ServiceError, match="less than or equal to 20"):
        finds({"Filters": [*twenty, is_named("resnet-1")]})
    with pytest.raises(ServiceError, match="at most 20"):
        finds({"Filters": twenty, "SubExpressions": [{"Filters": twenty}]})
    assert finds({"SubExpressions": [{"Filters": twenty}, {"Filters": twenty}, {"Filters": twenty[:7]}]})
    with pytest.raises(ServiceError, match="at most 50"):
        finds({"SubExpressions": [{"Filters": twenty}, {"Filters": twenty}, {"Filters": twenty[:8]}]})
    with pytest.raises(ServiceError, match="'CONTAINS' operator usage limit of 1 exceeded"):
        finds({"Filters": [{"Name": "TrainingJobName", "Operator": "Contains", "Value": "a"}] * 2})
    with pytest.raises(ServiceError, match="at least one"):
        finds({})


def test_sort_keys_are_of_the_property_type():
    assert sort_property("ResourceConfig.InstanceCount").sort_key(JOB) == 1
    assert sort_property("Metrics.validation:accuracy").sort_key(JOB) == 0.91
    assert sort_property("TuningJobArn").sort_key(JOB) is None
    assert sort_property("LastModifiedTime").sort_key({"LastModifiedTime": "yesterday"}) is None
    with pytest.raises(ServiceError, match="Cannot sort"):
        sort_property("ResourceConfig")


def test_malformed_documents_are_not_found():
    for name in ("Tags.team", "InputDataConfig.ChannelName", "HyperParameters.x", "Metrics.loss", "TrainingJobName"):
        expression = compiled({"Filters": [{"Name": name, "Operator": "Equals", "Value": "1"}]})
        for odd in (7, "text", [1], [None], {"a": [2]}):
            assert not expression.holds({name.partition(".")[0]: odd, "FinalMetricDataList": odd})
