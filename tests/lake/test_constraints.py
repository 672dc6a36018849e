"""Values outside what SageMaker documents are kept, and counted by member and constraint."""

import pytest

from pipelines.flatten.layout import lake_tables
from pipelines.flatten.record import ListOf, MapOf, Scalar, Structure, training_job
from pipelines.home import Home
from pipelines.lake.constraints import broken_constraints
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest
from tests.lake.test_load import JUNE, MAY, job, receive, rows_of


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def found(home):
    return dict(broken_constraints(home.lake, read_manifest(home.lake)))


SOUND = {
    "TrainingJobName": "a-1",
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "MaxWaitTimeExceeded",
    "OutputDataConfig": {"KmsKeyId": "", "S3OutputPath": "s3://bucket/path"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "HyperParameters": {"epochs": "3", "text": "a\nb"},
    "FailureReason": "x" * 1024,
}


def test_what_is_as_documented_is_not_reported(home):
    receive(home, job("a", **SOUND), job("b"))
    load(home)
    assert found(home) == {}


def test_a_table_that_changes_by_itself_is_counted_anew(home):
    """The same version once more, whose one element was corrected: the main table's files stay."""
    for value in ("x" * 2501, "sound"):
        receive(home, job("a", HyperParameters={"text": value}))
        load(home)
        names = [name for name in found(home) if "HyperParameters" in name]
        assert len(names) == (value != "sound")


def test_counts_that_cannot_be_read_are_counted_anew(home):
    receive(home, job("a", SecondaryStatus="Verifying"))
    load(home)
    before = found(home)
    assert before
    (home.lake / "constraints.json").write_bytes(b'{"constraints": "\xff"}')
    assert found(home) == before


def test_what_is_not_is_kept_and_counted(home):
    receive(
        home,
        job("a", TrainingJobName="x" * 64, SecondaryStatus="Verifying", FailureReason="x" * 1025),
        job("b", JUNE, SecondaryStatus="Verifying", ResourceConfig={"InstanceCount": -1}, HyperParameters={"": "3"}),
        job("c", TrainingJobName="under_score", VpcConfig={"Subnets": [], "SecurityGroupIds": ["sg 1"]}),
        job("d", ResourceConfig={"InstanceType": "ml.z9.huge"}),
    )
    load(home)
    kept = {row["training_job_name"] for row in rows_of(home, "training_jobs")}
    assert {"x" * 64, "under_score"} <= kept
    assert found(home) == {
        "TrainingJobName is longer than 63: " + repr("x" * 60): 1,
        r"TrainingJobName is not of the pattern [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}: 'under_score'": 2,
        "SecondaryStatus is not one of the values: 'Verifying'": 2,
        "FailureReason is longer than 1024: " + repr("x" * 60): 1,
        "ResourceConfig.InstanceCount is less than 0: '-1'": 1,
        "ResourceConfig.InstanceType is not one of the values: 'ml.z9.huge'": 1,
        "VpcConfig.Subnets is less than 1 entries: '0'": 1,
        r"VpcConfig.SecurityGroupIds[] is not of the pattern [-0-9a-zA-Z]+: 'sg 1'": 1,
    }


def test_a_partition_is_looked_through_once(home):
    receive(home, job("a", MAY, SecondaryStatus="Verifying"), job("b", JUNE))
    load(home)
    assert list(found(home).values()) == [1]
    receive(home, job("b", JUNE, JUNE + 1, SecondaryStatus="Verifying"))
    load(home)
    for file in home.lake.rglob("month=2025-05/*.parquet"):
        file.unlink()
    assert list(found(home).values()) == [2]


def strange(node):
    """A value whose texts are all of no pattern."""
    if isinstance(node, Structure):
        return {name: strange(member) for name, member in node.members.items()}
    if isinstance(node, ListOf):
        return [strange(node.element)]
    if isinstance(node, MapOf):
        return {"\1": strange(node.value)}
    return {"string": "\1", "boolean": True}.get(node.kind, MAY)


def test_all_patterns_are_looked_for_but_one(home):
    receive(home, strange(training_job()) | job("-"))
    load(home)
    told = {text.split(" is not of the pattern")[0].removesuffix(" (key)") for text in found(home) if "pattern" in text}
    patterned = {
        column.path
        for table in lake_tables()
        for column in table.columns
        if isinstance(column.node, Scalar) and column.node.pattern not in (None, ".*", ".+", r"[\S\s]*")
    }
    # RE2 cannot look behind.
    assert patterned - told == {"AlgorithmSpecification.AlgorithmName"}
