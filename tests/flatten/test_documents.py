"""Lines of raw become rows that say all the documents said, or are quarantined with their reason."""

import json

import duckdb
import pytest

from pipelines.flatten.documents import rows_query, write_rows
from pipelines.flatten.layout import lake_tables
from tests.records import ARN


def raw_line(document, observed_at=1_760_000_000.5):
    return json.dumps({"observed_at": observed_at, "document": document}).encode()


def tables_of(lines, folder):
    path = folder / "rows.ndjson"
    with path.open("wb") as rows:
        written = write_rows(lines, "a-source", rows)
    with duckdb.connect() as connection:
        connection.execute(f"create table documents as {rows_query(path)}")
        tables = {}
        for table in lake_tables():
            cursor = connection.execute(table.query)
            names = [column[0] for column in cursor.description]
            tables[table.name] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tables, written.quarantined


JOB = {"TrainingJobArn": ARN + "a", "CreationTime": 1_750_000_000}


def test_whose_row_it_is_and_how_it_came(tmp_path):
    tables, _ = tables_of([raw_line(JOB)], tmp_path)
    (row,) = tables["training_jobs"]
    assert (row["account_id"], row["region"], row["month"]) == ("012345678901", "eu-west-1", "2025-06")
    assert (row["source"], str(row["observed_at"])) == ("a-source", "2025-10-09 08:53:20.500000")


def test_members_that_the_model_does_not_know_are_kept_aside(tmp_path):
    document = JOB | {"NewMember": {"a": [1]}, "ResourceConfig": {"InstanceCount": 1, "NewKnob": "x"}}
    tables, quarantined = tables_of([raw_line(document)], tmp_path)
    assert quarantined == []
    (row,) = tables["training_jobs"]
    assert json.loads(row["unmodelled_fields"]) == {"NewMember": {"a": [1]}, "ResourceConfig.NewKnob": "x"}
    assert row["resource_config_instance_count"] == 1


def test_a_key_written_twice_does_not_stop_the_batch(tmp_path):
    line = raw_line(JOB).replace(b'"CreationTime"', b'"Environment": {"A": "1", "A": "2"}, "CreationTime"')
    tables, quarantined = tables_of([line, raw_line(JOB | {"TrainingJobArn": ARN + "b"})], tmp_path)
    assert quarantined == []
    assert [(row["key"], row["value"]) for row in tables["environment"]] == [("A", "2")]


@pytest.mark.parametrize(
    ("line", "path", "reason"),
    [
        (raw_line({"CreationTime": 1}), "TrainingJobArn", "absent"),
        (raw_line({"CreationTime": 1, "TrainingJobArn": "arn:aws:s3:::bucket"}), "TrainingJobArn", "not the ARN"),
        (raw_line({"TrainingJobArn": ARN + "a"}), "CreationTime", "absent"),
        (raw_line(JOB | {"CreationTime": None}), "CreationTime", "absent"),
        (raw_line(JOB | {"CreationTime": "yesterday"}), "CreationTime", "expected a time"),
        (raw_line(JOB | {"TrainingEndTime": 1e300}), "TrainingEndTime", "expected a time"),
        (raw_line(JOB | {"ResourceConfig": {"InstanceCount": "7"}}), "ResourceConfig.InstanceCount", "'7'"),
        (raw_line(JOB | {"ResourceConfig": {"InstanceCount": 1.5}}), "ResourceConfig.InstanceCount", "1.5"),
        (raw_line(JOB | {"BillableTimeInSeconds": 2**63}), "BillableTimeInSeconds", "64 bits"),
        (raw_line(JOB | {"InputDataConfig": [{}, 3]}), "InputDataConfig[1]", "expected dict"),
        (raw_line(JOB | {"HyperParameters": {"epochs": 3}}), "HyperParameters.epochs", "expected str"),
        (raw_line([1]), "", "expected dict"),
        (b'{"observed_at": 1, "document": {"TrainingJobName": "\xff"}}', "", "not JSON"),
        (b'{"observed_at": 1, "document": {"TrainingJobName": "\\ud800"}}', "", "not JSON"),
        (b'{"observed_at": 1, "docu', "", "not JSON"),
    ],
)
def test_a_bad_document_is_quarantined_and_the_others_go_on(line, path, reason, tmp_path):
    tables, (quarantined,) = tables_of([line, raw_line(JOB)], tmp_path)
    assert quarantined.path == path
    assert reason in quarantined.reason
    assert len(tables["training_jobs"]) == 1
