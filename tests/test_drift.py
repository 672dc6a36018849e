"""Members that the service model does not know: kept, reported, and in columns for all history once one knows."""

import datetime as dt
import json
import time

import duckdb
import pytest

from pipelines.home import Home
from pipelines.lake.prune import GRACE_SECONDS, prune
from tests.main_job import published, trainyard
from tests.service_models import add_members, write_model

MAY, JUNE = 1_746_100_000, 1_749_000_000


def job(name, creation_time):
    """A job that uses every member of the newer model."""
    return {
        "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:111122223333:training-job/{name}",
        "TrainingJobName": name,
        "CreationTime": creation_time,
        "LastModifiedTime": creation_time,
        "Co2": {"Kilograms": 1.5, "MeasuredAt": creation_time + 0.25},
        "Helpers": [{"Name": "x", "Words": ["one", "two"]}, {"Name": "y"}],
        "Labels": {"a.b": 7},
        "InputDataConfig": [
            {"ChannelName": "train", "Priority": 1},
            {"ChannelName": "test", "Priority": 2, "DataSource": {"S3DataSource": {"Words": ["three"]}}},
        ],
        "StillUnknown": True,
    }


NEW_PATHS = (
    "Co2",
    "Helpers",
    "Labels",
    "InputDataConfig[].Priority",
    "InputDataConfig[].DataSource.S3DataSource.Words",
)


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    """The environment of a botocore whose service model has the new members."""
    return write_model(tmp_path_factory.mktemp("models"), add_members)


def bring(home, models, *documents, **environment):
    file = home.parent / "documents.ndjson"
    file.write_text("".join(json.dumps(document) + "\n" for document in documents))
    trainyard("import", str(file), home=home, **environment)
    return trainyard("run", "--no-harvest", home=home, models=models, **environment).stderr


def jobs_of(home):
    """What the warehouse tells of the new members: job -> its rows."""
    lake = published(home / "warehouse.duckdb", "lake")
    jobs = {}
    for row in lake["training_jobs"]:
        own = {
            name: [r for r in rows if r["training_job_arn"] == row["training_job_arn"]]
            for name, rows in lake.items()
            if name != "sources"
        }
        jobs[row["training_job_name"]] = {
            "unmodelled": json.loads(row["unmodelled_fields"]),
            "columns": {name: row.get(name) for name in ("co2__present", "co2_kilograms", "co2_measured_at")},
            "counts": {name: row.get(name) for name in ("helpers__count", "labels__count")},
            "helpers": [(r["index"], r["name"], r["words__count"]) for r in own.get("helpers", [])],
            "words": [(r["helpers_index"], r["index"], r["value"]) for r in own.get("helpers_words", [])],
            "labels": [(r["key"], r["value"]) for r in own.get("labels", [])],
            "priorities": [(r["channel_name"], r.get("priority")) for r in own["input_data_config"]],
            "s3_words": [r["value"] for r in own.get("input_data_config_data_source_s3_data_source_words", [])],
        }
    return jobs


def filled(creation_time):
    return {
        "unmodelled": {"StillUnknown": True},
        "columns": {
            "co2__present": True,
            "co2_kilograms": 1.5,
            "co2_measured_at": dt.datetime.fromtimestamp(creation_time + 0.25, dt.UTC).replace(tzinfo=None),
        },
        "counts": {"helpers__count": 2, "labels__count": 1},
        "helpers": [(0, "x", 2), (1, "y", None)],
        "words": [(0, 0, "one"), (0, 1, "two")],
        "labels": [("a.b", 7)],
        "priorities": [("train", 1), ("test", 2)],
        "s3_words": ["three"],
    }


UNFILLED = {
    "unmodelled": {
        "Co2": {"Kilograms": 1.5},
        "Helpers": [{"Name": "x", "Words": ["one", "two"]}, {"Name": "y"}],
        "Labels": {"a.b": 7},
        "InputDataConfig[0].Priority": 1,
        "InputDataConfig[1].Priority": 2,
        "InputDataConfig[1].DataSource.S3DataSource.Words": ["three"],
        "StillUnknown": True,
    },
    "columns": {"co2__present": None, "co2_kilograms": None, "co2_measured_at": None},
    "counts": {"helpers__count": None, "labels__count": None},
    "helpers": [],
    "words": [],
    "labels": [],
    "priorities": [("train", None), ("test", None)],
    "s3_words": [],
}


def unfilled(creation_time):
    co2 = {"Kilograms": 1.5, "MeasuredAt": creation_time + 0.25}
    return UNFILLED | {"unmodelled": UNFILLED["unmodelled"] | {"Co2": co2}}


def comment(home, column):
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute("select comment from duckdb_columns() where column_name = $1", [column]).fetchall()


def test_a_newer_model_gives_new_members_their_columns_and_a_rebuild_fills_them_for_all_history(
    newer, models, tmp_path
):
    home = tmp_path / "home"
    warned = bring(home, models, job("may-1", MAY), job("june-1", JUNE))
    for path in (*NEW_PATHS, "StillUnknown"):
        assert f" {path}: 2" in warned, warned
    assert jobs_of(home) == {"may-1": unfilled(MAY), "june-1": unfilled(JUNE)}
    assert comment(home, "co2_kilograms") == []

    # Without a rebuild: June's files are written anew, May's are of the older schema; both are read.
    warned = bring(home, models, job("june-2", JUNE + 1), **newer)
    for path in NEW_PATHS:
        assert f" {path}: 2, mended by `trainyard rebuild`" in warned, warned
    assert " StillUnknown: 3" in warned
    half = {"may-1": unfilled(MAY), "june-1": unfilled(JUNE), "june-2": filled(JUNE + 1)}
    assert jobs_of(home) == half
    ((told,),) = comment(home, "co2_kilograms")
    assert "API: Co2.Kilograms." in told

    warned = trainyard("rebuild", home=home, models=models, **newer).stderr
    assert not any(path in warned for path in NEW_PATHS), warned
    assert " StillUnknown: 3" in warned
    whole = {"may-1": filled(MAY), "june-1": filled(JUNE), "june-2": filled(JUNE + 1)}
    assert jobs_of(home) == whole

    # Back at the older model nothing breaks, and what it does not know is still there for the newer one.
    trainyard("build", home=home, models=models)
    assert prune(Home(home), now=time.time() + GRACE_SECONDS + 60) > 0
    trainyard("build", home=home, models=models, **newer)
    assert jobs_of(home) == whole


def drop_members(shapes):
    """An older model, or a newer one that has dropped what the schema promises."""
    for name in ("TrainingJob", "DescribeTrainingJobResponse"):
        for member in ("FailureReason", "VpcConfig", "HyperParameters"):
            del shapes[name]["members"][member]
    del shapes["Channel"]["members"]["ContentType"]


def test_what_a_model_lacks_of_the_promised_columns_is_null_and_kept_until_one_knows_it(models, tmp_path):
    home = tmp_path / "home"
    document = {
        "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/a",
        "CreationTime": MAY,
        "FailureReason": "ClientError: no",
        "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"]},
        "HyperParameters": {"epochs": "3"},
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv"}],
    }
    lacking = {"FailureReason", "VpcConfig", "HyperParameters", "InputDataConfig[0].ContentType"}

    bring(home, models, document, **write_model(tmp_path / "models", drop_members))
    lake = published(home / "warehouse.duckdb", "lake")
    (row,) = lake["training_jobs"]
    assert json.loads(row["unmodelled_fields"]).keys() == lacking
    assert (row["failure_reason"], row["vpc_config__present"], row["hyper_parameters__count"]) == (None, None, None)
    assert (lake["hyper_parameters"], lake["vpc_config_subnets"]) == ([], [])

    trainyard("rebuild", home=home, models=models)
    lake = published(home / "warehouse.duckdb", "lake")
    (row,) = lake["training_jobs"]
    assert (row["failure_reason"], row["vpc_config__present"], row["unmodelled_fields"]) == (
        "ClientError: no",
        True,
        None,
    )
    assert [(row["key"], row["value"]) for row in lake["hyper_parameters"]] == [("epochs", "3")]
    assert [row["value"] for row in lake["vpc_config_subnets"]] == ["subnet-1", "subnet-2"]
    assert [row["content_type"] for row in lake["input_data_config"]] == ["text/csv"]
