"""Lines of raw become rows that say all the documents said, or are quarantined with their reason."""

import json

import duckdb
import pytest

from pipelines.flatten.documents import read_rows, take_lines
from pipelines.flatten.layout import lake_tables
from pipelines.flatten.unnest import unnested
from tests.records import ARN


def raw_line(document, observed_at=1_760_000_000.5):
    return json.dumps({"observed_at": observed_at, "document": document}).encode()


def tables_of(lines):
    newest = {}
    taken = take_lines(lines, "a-source", newest)
    tables = {table.name: [] for table in lake_tables()}
    with duckdb.connect() as connection:
        if newest:
            documents = read_rows(connection, list(newest.values()))
            tables |= {table.name: rows.to_pylist() for table, rows in unnested(documents)}
    return tables, taken.quarantined


JOB = {"TrainingJobArn": ARN + "a", "CreationTime": 1_750_000_000}


def test_whose_row_it_is_and_how_it_came():
    tables, _ = tables_of([raw_line(JOB)])
    (row,) = tables["training_jobs"]
    assert (row["account_id"], row["region"], row["month"]) == ("012345678901", "eu-west-1", "2025-06")
    assert (row["source"], str(row["observed_at"])) == ("a-source", "2025-10-09 08:53:20.500000")


def test_members_that_the_model_does_not_know_are_kept_aside():
    document = JOB | {"NewMember": {"a": [1]}, "ResourceConfig": {"InstanceCount": 1, "NewKnob": "x"}}
    tables, quarantined = tables_of([raw_line(document)])
    assert quarantined == []
    (row,) = tables["training_jobs"]
    assert json.loads(row["unmodelled_fields"]) == {"NewMember": {"a": [1]}, "ResourceConfig.NewKnob": "x"}
    assert row["resource_config_instance_count"] == 1


def test_a_key_written_twice_does_not_stop_the_batch():
    line = raw_line(JOB).replace(b'"CreationTime"', b'"Environment": {"A": "1", "A": "2"}, "CreationTime"')
    tables, quarantined = tables_of([line, raw_line(JOB | {"TrainingJobArn": ARN + "b"})])
    assert quarantined == []
    assert [(row["key"], row["value"]) for row in tables["environment"]] == [("A", "2")]


def test_a_clock_may_be_a_day_ahead():
    tables, quarantined = tables_of([raw_line(JOB | {"CreationTime": 1_760_086_400.4})])
    assert quarantined == []
    assert len(tables["training_jobs"]) == 1


def test_a_key_written_twice_deep_in_the_record_keeps_its_last_value():
    rules = b'"DebugRuleConfigurations": [{"RuleParameters": {"A": "1", "B": "1", "A": "2"}}], "CreationTime"'
    tables, quarantined = tables_of([raw_line(JOB).replace(b'"CreationTime"', rules)])
    assert quarantined == []
    entries = {row["key"]: row["value"] for row in tables["debug_rule_configurations_rule_parameters"]}
    assert entries == {"A": "2", "B": "1"}
    assert [row["rule_parameters__count"] for row in tables["debug_rule_configurations"]] == [2]


@pytest.mark.parametrize(
    ("line", "path", "reason"),
    [
        (raw_line({"CreationTime": 1}), "TrainingJobArn", "absent"),
        (raw_line({"CreationTime": 1, "TrainingJobArn": "arn:aws:s3:::bucket"}), "TrainingJobArn", "not the ARN"),
        (raw_line({"TrainingJobArn": ARN + "a"}), "CreationTime", "absent"),
        (raw_line(JOB | {"CreationTime": None}), "CreationTime", "absent"),
        (raw_line(JOB | {"CreationTime": "yesterday"}), "CreationTime", "expected a time"),
        (
            raw_line(JOB | {"CreationTime": 1_760_086_400.6}),
            "CreationTime",
            "more than a day after the document was seen",
        ),
        (raw_line(JOB | {"CreationTime": "2055-01-01T00:00:00Z"}), "CreationTime", "more than a day after"),
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
def test_a_bad_document_is_quarantined_and_the_others_go_on(line, path, reason):
    tables, (quarantined,) = tables_of([line, raw_line(JOB)])
    assert quarantined.path == path
    assert reason in quarantined.reason
    assert len(tables["training_jobs"]) == 1
