"""The layout of the record: every leaf of the service model has its place, and every query binds."""

import itertools
import json

import botocore.session
import duckdb
import pytest
from botocore import xform_name

from pipelines.flatten.documents import rows_query, write_rows
from pipelines.flatten.layout import document_type, lake_tables, main_table

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/a"


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute(
            "create table documents (account_id varchar, region varchar, month varchar, training_job_arn varchar, "
            f"observed_at timestamp, source varchar, unmodelled_fields varchar, document {document_type()})"
        )
        yield connection


class Example:
    """A document with every member of a shape, made from the service model alone; no two leaves have the same value.

    ``leaves``: for each, the table and column that it belongs in by the rule of the layout, and its value there.
    ``keys``: the same for the keys of maps.
    """

    def __init__(self, *shapes):
        self.numbers = itertools.count(1_700_000_000)
        self.leaves = {}
        self.keys = {}
        self.document = {}
        for shape in shapes:
            self.document |= self.value(shape, "training_jobs", [], ())

    def value(self, shape, table, names, within):
        assert shape.name not in within, f"{shape.name} is inside itself: no tables can hold it"
        if shape.type_name == "structure":
            within = (*within, shape.name)
            return {
                name: self.value(member, table, [*names, xform_name(name)], within)
                for name, member in shape.members.items()
            }
        if shape.type_name in ("list", "map"):
            child = "_".join(names if table == "training_jobs" else [table, *names])
            if shape.type_name == "list":
                return [self.value(shape.member, child, [], within)]
            key = self.leaf("string")
            self.keys[child, "key"] = repr(key)
            return {key: self.value(shape.value, child, [], within)}
        value = self.leaf(shape.type_name)
        held = f"make_timestamp({value}000000)" if shape.type_name == "timestamp" else repr(value)
        self.leaves[table, "_".join(names) or "value"] = held
        return value

    def leaf(self, type_name):
        number = next(self.numbers)
        return {"string": f"text {number}", "boolean": number % 2 == 0}.get(type_name, number)


def test_every_leaf_of_the_service_model_is_in_its_column(tmp_path):
    model = botocore.session.get_session().get_service_model("sagemaker")
    searched, described = (model.shape_for(name) for name in ("TrainingJob", "DescribeTrainingJobResponse"))
    assert len(Example(searched).leaves) >= 111  # so many has botocore 1.43.0; 1.44.5 has 119
    example = Example(searched, described)
    example.document["TrainingJobArn"] = ARN
    example.leaves["training_jobs", "training_job_arn"] = repr(ARN)
    file = tmp_path / "rows.ndjson"
    with file.open("wb") as rows:
        line = json.dumps({"observed_at": 1, "document": example.document}).encode()
        assert write_rows([line], "a-source", rows).quarantined == []
    with duckdb.connect() as connection:
        connection.execute(f"create table documents as {rows_query(file)}")
        assert connection.execute("select unmodelled_fields from documents").fetchall() == [(None,)]
        for table in lake_tables():
            connection.execute(f"create table {table.name} as {table.query}")
        for (table, column), held in (example.leaves | example.keys).items():
            found = connection.execute(f'select "{column}" = {held} from {table}').fetchall()
            assert found == [(True,)], f"{table}.{column}"


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
