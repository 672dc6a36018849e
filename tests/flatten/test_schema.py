"""The schema that users rely on: columns are only ever added, and what botocore adds is seen before it is promised."""

import pytest

from pipelines.flatten.layout import lake_tables
from pipelines.flatten.schema import SCHEMA, given_columns, promised_columns
from tests.service_models import add_members, python, write_model

GIVEN = """
import json
from dataclasses import astuple
from pipelines.flatten.schema import given_columns
print(json.dumps([astuple(column) for column in given_columns()]))
"""
ACCEPTED = """
import json, pathlib, sys
from pipelines.flatten import schema
schema.SCHEMA = pathlib.Path({path!r})
schema.accept()
print(json.dumps(schema.SCHEMA.read_text()))
"""


def under(folder, change):
    """The lake's columns under a changed service model: table -> name -> (type, path), in order."""
    tables = {}
    for table, name, column_type, path in python(GIVEN, **write_model(folder, change)):
        tables.setdefault(table, {})[name] = (column_type, path)
    return tables


@pytest.fixture
def promised():
    tables = {}
    for column in promised_columns():
        tables.setdefault(column.table, {})[column.name] = (column.type, column.path)
    return tables


def assert_kept(tables, promised):
    for table, columns in promised.items():
        assert list(tables[table].items())[: len(columns)] == list(columns.items()), table


def test_the_installed_service_model_gives_what_is_promised_and_no_more():
    added = sorted(set(given_columns()) - set(promised_columns()), key=repr)
    assert added == [], "botocore adds these columns to users' tables: `make accept-schema` promises them"
    assert given_columns() == promised_columns()


def test_what_a_newer_model_adds_comes_after_what_is_promised(promised, tmp_path):
    tables = under(tmp_path, add_members)
    assert_kept(tables, promised)
    added = {
        (table, name): of for table, columns in tables.items() for name, of in columns.items()
        if name not in promised.get(table, {}) and name not in ("account_id", "region", "month", "training_job_arn")
    }  # fmt: skip
    assert added == {
        ("training_jobs", "co2__present"): ("BOOLEAN", "Co2"),
        ("training_jobs", "co2_kilograms"): ("DOUBLE", "Co2.Kilograms"),
        ("training_jobs", "co2_measured_at"): ("TIMESTAMP", "Co2.MeasuredAt"),
        ("training_jobs", "helpers__count"): ("BIGINT", "Helpers"),
        ("training_jobs", "labels__count"): ("BIGINT", "Labels"),
        ("helpers", "index"): ("BIGINT", "Helpers[]"),
        ("helpers", "name"): ("VARCHAR", "Helpers[].Name"),
        ("helpers", "words__count"): ("BIGINT", "Helpers[].Words"),
        ("helpers_words", "helpers_index"): ("BIGINT", ""),
        ("helpers_words", "index"): ("BIGINT", "Helpers[].Words[]"),
        ("helpers_words", "value"): ("VARCHAR", "Helpers[].Words[]"),
        ("labels", "key"): ("VARCHAR", "Labels{}"),
        ("labels", "value"): ("BIGINT", "Labels{}"),
        ("input_data_config", "priority"): ("BIGINT", "InputDataConfig[].Priority"),
        ("input_data_config", "data_source_s3_data_source_words__count"): (
            "BIGINT",
            "InputDataConfig[].DataSource.S3DataSource.Words",
        ),
        ("input_data_config_data_source_s3_data_source_words", "input_data_config_index"): ("BIGINT", ""),
        ("input_data_config_data_source_s3_data_source_words", "index"): (
            "BIGINT",
            "InputDataConfig[].DataSource.S3DataSource.Words[]",
        ),
        ("input_data_config_data_source_s3_data_source_words", "value"): (
            "VARCHAR",
            "InputDataConfig[].DataSource.S3DataSource.Words[]",
        ),
    }


def test_what_a_model_drops_or_alters_is_still_promised(promised, tmp_path):
    def change(shapes):
        for job in ("TrainingJob", "DescribeTrainingJobResponse"):
            for name in ("FailureReason", "VpcConfig", "HyperParameters"):
                del shapes[job]["members"][name]
            shapes[job]["members"]["TrainingTimeInSeconds"] = {"shape": "Double"}
        del shapes["Channel"]["members"]["ContentType"]

    tables = under(tmp_path, change)
    assert_kept(tables, promised)
    altered = {"training_time_in_seconds_": ("DOUBLE", "TrainingTimeInSeconds")}
    assert tables["training_jobs"] == promised["training_jobs"] | altered
    assert {table: columns for table, columns in tables.items() if table != "training_jobs"} == {
        table: columns for table, columns in promised.items() if table != "training_jobs"
    }


def test_members_whose_names_are_taken_get_names_of_their_own(promised, tmp_path):
    def change(shapes):
        shapes["Deep"] = {"type": "structure", "members": {"ReasonCode": {"shape": "String"}}}
        shapes["Sources"] = {"type": "list", "member": {"shape": "String"}}
        new = {name: {"shape": "String"} for name in ("AccountId", "Month", "Source", "DeepReasonCode")}
        shapes["TrainingJob"]["members"] |= new | {"Deep": {"shape": "Deep"}, "Sources": {"shape": "Sources"}}
        shapes["Channel"]["members"]["Index"] = {"shape": "Integer"}

    tables = under(tmp_path, change)
    assert_kept(tables, promised)
    paths = {name: path for name, (_, path) in tables["training_jobs"].items()}
    assert [paths[name] for name in ("account_id_", "month_", "source_")] == ["AccountId", "Month", "Source"]
    assert (paths["deep_reason_code"], paths["deep_reason_code_"]) == ("DeepReasonCode", "Deep.ReasonCode")
    assert tables["input_data_config"]["index_"] == ("BIGINT", "InputDataConfig[].Index")
    assert "sources_" in tables


def test_a_shape_that_no_table_can_hold_is_left_to_unmodelled_fields(promised, tmp_path):
    def change(shapes):
        shapes["Tree"] = {
            "type": "structure",
            "members": {"Name": {"shape": "String"}, "Child": {"shape": "Tree"}, "Children": {"shape": "Trees"}},
        }
        shapes["Trees"] = {"type": "list", "member": {"shape": "Tree"}}
        shapes["TrainingJob"]["members"]["Tree"] = {"shape": "Tree"}

    tables = under(tmp_path, change)
    assert tables["training_jobs"].keys() - promised["training_jobs"].keys() == {"tree__present", "tree_name"}


def test_accepting_adds_lines_and_takes_none_away(tmp_path):
    def change(shapes):
        add_members(shapes)
        del shapes["Channel"]["members"]["ContentType"]

    code = ACCEPTED.format(path=str(tmp_path / "schema.csv"))
    (tmp_path / "schema.csv").write_text(SCHEMA.read_text())
    before, after = SCHEMA.read_text().splitlines(), python(code, **write_model(tmp_path, change)).splitlines()
    assert "input_data_config,priority,BIGINT,InputDataConfig[].Priority" in after
    assert [line for line in after if line in before] == before


def test_every_table_and_column_has_a_sentence():
    for table in lake_tables():
        assert table.table.comment.endswith("."), table.name
        assert [column.name for column in table.table.columns if not column.comment.endswith(".")] == []
