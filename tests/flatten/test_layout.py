"""The layout of the record: every leaf of the service model has its place, and every query binds."""

import json

import duckdb
import pytest

from pipelines.flatten.layout import document_type, lake_tables, main_table
from pipelines.flatten.record import ListOf, MapOf, Scalar, Structure, training_job


def leaves(node, path=""):
    if isinstance(node, Scalar):
        yield path
    elif isinstance(node, ListOf):
        yield from leaves(node.element, f"{path}[]")
    elif isinstance(node, MapOf):
        yield from leaves(node.value, path)
    else:
        assert isinstance(node, Structure)
        for name, member in node.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name)


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute(
            "create table documents (account_id varchar, region varchar, month varchar, training_job_arn varchar, "
            f"observed_at timestamp, source varchar, unmodelled_fields varchar, document {document_type()})"
        )
        yield connection


def test_every_leaf_of_the_record_has_a_column():
    comments = " ".join(column.comment for table in lake_tables() for column in table.table.columns)
    missing = [path for path in leaves(training_job()) if f"{path}." not in comments]
    assert missing == []


def test_every_query_gives_exactly_the_declared_columns(connection):
    for table in lake_tables():
        described = connection.execute(f"describe {table.query}").fetchall()
        assert [(row[0], row[1]) for row in described] == [(c.name, c.type) for c in table.table.columns], table.name


def test_a_nested_list_carries_its_parents_position(connection, tmp_path):
    source = {"S3DataSource": {"AttributeNames": ["x", "y"]}}
    document = {"InputDataConfig": [{"ChannelName": "a"}, {"ChannelName": "b", "DataSource": source}]}
    file = tmp_path / "documents.ndjson"
    file.write_text(json.dumps({"training_job_arn": "arn", "document": document}))
    connection.execute(
        "insert into documents by name select * from read_json($1, format = 'newline_delimited', "
        f"columns = {{training_job_arn: 'VARCHAR', document: '{document_type()}'}})",
        [str(file)],
    )
    (table,) = [t for t in lake_tables() if t.name.endswith("attribute_names")]
    rows = connection.execute(f'select input_data_config_index, "index", "value" from ({table.query})').fetchall()
    assert sorted(rows) == [(1, 0, "x"), (1, 1, "y")]
    (count,) = connection.execute(f"select input_data_config__count from ({main_table().query})").fetchone()
    assert count == 2
