"""Nested documents become rows of the declared tables, with the keys that lead back to where they stood."""

import json

import duckdb
import pyarrow as pa

from pipelines.flatten.documents import read_rows, take_lines
from pipelines.flatten.layout import lake_tables
from pipelines.flatten.record import ListOf, MapOf, Scalar, training_job
from pipelines.flatten.unnest import ARROW_TYPES, unnested
from tests.records import ARN

SCALARS = {"string": "x", "integer": 1, "boolean": True, "number": 0.5, "timestamp": 1_750_000_000.123}


def whole(node):
    """A value with every member there is, and two of each list."""
    if isinstance(node, Scalar):
        return SCALARS[node.kind]
    if isinstance(node, ListOf):
        return [whole(node.element)] * 2
    if isinstance(node, MapOf):
        return {"a": whole(node.value), "b": whole(node.value)}
    return {name: whole(member) for name, member in node.members.items()}


def tables_of(*documents):
    newest = {}
    for number, members in enumerate(documents):
        document = {"CreationTime": 1_750_000_000} | members | {"TrainingJobArn": f"{ARN}{number}"}
        line = json.dumps({"observed_at": 1_760_000_000, "document": document}).encode()
        assert take_lines([line], "a-source", newest).quarantined == []
    with duckdb.connect() as connection:
        return {table.name: rows for table, rows in unnested(read_rows(connection, list(newest.values())))}


def test_every_table_has_exactly_the_declared_columns():
    tables = tables_of(whole(training_job()))
    for table in lake_tables():
        types = {
            field.name: field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            for field in tables[table.name].schema
        }
        assert types == {column.name: ARROW_TYPES[column.type] for column in table.table.columns}, table.name
        assert list(types) == [column.name for column in table.table.columns]


def test_a_nested_list_carries_its_parents_position():
    source = {"S3DataSource": {"AttributeNames": ["x", "y"]}}
    document = {"InputDataConfig": [{"ChannelName": "a"}, {"ChannelName": "b", "DataSource": source}]}
    tables = tables_of({}, document)
    names = tables["input_data_config_data_source_s3_data_source_attribute_names"].to_pylist()
    assert [(row["input_data_config_index"], row["index"], row["value"]) for row in names] == [(1, 0, "x"), (1, 1, "y")]
    assert {row["training_job_arn"] for row in names} == {ARN + "1"}
    assert tables["training_jobs"]["input_data_config__count"].to_pylist() == [None, 2]


def test_rows_of_a_slice_are_those_of_its_documents():
    documents = [{"Tags": [{"Key": f"{job}{n}", "Value": "x"} for n in range(job)]} for job in range(4)]
    newest = {}
    for number, members in enumerate(documents):
        document = {"CreationTime": 1, "TrainingJobArn": f"{ARN}{number}"} | members
        take_lines([json.dumps({"observed_at": 1_760_000_000, "document": document}).encode()], "a-source", newest)
    with duckdb.connect() as connection:
        read = read_rows(connection, list(newest.values()))
    rows = {table.name: rows for table, rows in unnested(read.slice(2, 2))}["tags"].to_pylist()
    assert [(row["training_job_arn"][-1], row["index"], row["key"]) for row in rows] == [
        ("2", 0, "20"), ("2", 1, "21"), ("3", 0, "30"), ("3", 1, "31"), ("3", 2, "32"),
    ]  # fmt: skip
