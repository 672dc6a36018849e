"""What the API said can be told from the tables: documents of the service model's making, there and back.

Each example is ten documents on the whole way: bytes, raw archive, flatten, Parquet files, tables, document. The
profile ``nightly`` takes 10,000 documents.
"""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.flatten.record import training_job
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.quarantine import Quarantine
from tests.main_job import lake, trainyard
from tests.records import ARN, documents, marked, rebuilt, written

DOCUMENTS_AN_EXAMPLE = 10
TIME = 1_750_000_000


def through_the_lake(texts, folder):
    home = Home(folder)
    RawArchive(home.raw).append("a-source", [Observation(1_760_000_000.5, text.encode()) for text in texts])
    load(home)
    assert [(each.path, each.reason) for _, each in Quarantine(home.quarantine).lines()] == []
    tables = lake(home)
    return [rebuilt(arn, tables) for arn in sorted(row["training_job_arn"] for row in tables["training_jobs"])]


@given(
    batch=st.lists(documents(), min_size=DOCUMENTS_AN_EXAMPLE, max_size=DOCUMENTS_AN_EXAMPLE),
    random=st.integers(0, 2**32).map(Random),
)
def test_documents_come_back_whole(batch, random, tmp_path_factory):
    numbered = [document | {"TrainingJobArn": f"{ARN}{number}"} for number, document in enumerate(batch)]
    texts = [written(document, random, training_job()) for document in numbered]
    back = through_the_lake(texts, tmp_path_factory.mktemp("home"))
    assert marked(back) == marked(numbered)


def job(name="a", **members):
    return {"TrainingJobArn": ARN + name, "CreationTime": 1_750_000_000.0} | members


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # Told apart.
        ('"Environment":{}', {"Environment": {}}),
        ('"VpcConfig":{}', {"VpcConfig": {}}),
        ('"VpcConfig":{"Subnets":[]}', {"VpcConfig": {"Subnets": []}}),
        ('"FailureReason":""', {"FailureReason": ""}),
        ('"EnableManagedSpotTraining":false', {"EnableManagedSpotTraining": False}),
        ('"BillableTimeInSeconds":9007199254740993', {"BillableTimeInSeconds": 2**53 + 1}),
        ('"TrainingEndTime":253402300799.999', {"TrainingEndTime": 253402300799.999}),
        ('"TrainingEndTime":-62135596799.999', {"TrainingEndTime": -62135596799.999}),
        ('"NewMember":{"a":[null,1180591620717411303424]}', {"NewMember": {"a": [None, 2**70]}}),
        # Alike.
        ('"FailureReason":null', {}),
        ('"VpcConfig":{"Subnets":null}', {"VpcConfig": {}}),
        ('"Environment":{"A":null,"B":"x"}', {"Environment": {"B": "x"}}),
        ('"NewMember":null', {}),
        ('"Environment":{"A":"1","A":"2"}', {"Environment": {"A": "2"}}),
        ('"FailureReason":"1","FailureReason":"2"', {"FailureReason": "2"}),
        ('"ResourceConfig":{"InstanceCount":1.0}', {"ResourceConfig": {"InstanceCount": 1}}),
        ('"TrainingEndTime":1750000000', {"TrainingEndTime": 1_750_000_000.0}),
        ('"TrainingEndTime":1.75e9', {"TrainingEndTime": 1_750_000_000.0}),
        ('"TrainingEndTime":1750000000.1234567', {"TrainingEndTime": 1_750_000_000.123457}),
        (r'"FailureReason":"\u00e9\/"', {"FailureReason": "é/"}),
        ('"Tags":{"team":"vision"}', {"Tags": [{"Key": "team", "Value": "vision"}]}),
    ],
)
def test_what_is_told_apart_and_what_is_alike(text, told, tmp_path):
    document = json.dumps(job())[:-1] + "," + text + "}"
    assert marked(through_the_lake([document], tmp_path)) == [marked(job(**told))]


def test_documents_beyond_all_limits_come_back(tmp_path):
    statuses = [{"Status": "Training", "StartTime": TIME + n, "StatusMessage": "x" * 20} for n in range(100_000)]
    large = [
        job("a", SecondaryStatusTransitions=statuses),
        job("b", HyperParameters={f"key-{n}": "x" * 20 for n in range(100_000)}),
        job("c", FailureReason="\0é\n" * 1_000_000),
        job("d", NewMember=["\\" * 1_000_000] * 3),
    ]
    assert through_the_lake([json.dumps(each, ensure_ascii=False) for each in large], tmp_path) == large


def test_the_documented_way(models, tmp_path, monkeypatch):
    document = job("mnist", Tags=[{"Key": "team", "Value": "vision"}])
    document["TrainingJobArn"] = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/mnist"
    file = tmp_path / "file.json"
    file.write_text(json.dumps(document))
    trainyard("import", str(file), home=tmp_path / "trainyard-data")
    trainyard("run", "--no-harvest", home=tmp_path / "trainyard-data", models=models)
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs" / "lossless.md").read_text("utf-8")
    told = {}
    exec(page.split("```python\n")[1].split("```")[0], told)
    assert told["document"] == document
