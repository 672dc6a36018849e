"""The layout of the record: every leaf of the service model has its place, and every query binds."""

import itertools
import json

import botocore.session
import duckdb
from botocore import xform_name

from pipelines.flatten.documents import read_rows, take_lines
from pipelines.flatten.layout import lake_tables
from pipelines.flatten.unnest import unnested

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/a"


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


def test_every_leaf_of_the_service_model_is_in_its_column():
    model = botocore.session.get_session().get_service_model("sagemaker")
    searched, described = (model.shape_for(name) for name in ("TrainingJob", "DescribeTrainingJobResponse"))
    assert len(Example(searched).leaves) >= 111  # so many has botocore 1.43.0; 1.44.5 has 119
    example = Example(searched, described)
    example.document["TrainingJobArn"] = ARN
    example.leaves["training_jobs", "training_job_arn"] = repr(ARN)
    newest = {}
    line = json.dumps({"observed_at": 2_000_000_000, "document": example.document}).encode()
    assert take_lines([line], "a-source", newest).quarantined == []
    with duckdb.connect() as connection:
        tables = {table.name: rows for table, rows in unnested(read_rows(connection, list(newest.values())))}
        assert tables["training_jobs"]["unmodelled_fields"].to_pylist() == [None]
        assert tables.keys() == {table.name for table in lake_tables()}
        for (table, column), held in (example.leaves | example.keys).items():
            connection.register("rows", tables[table])
            found = connection.execute(f'select "{column}" = {held} from rows').fetchall()
            assert found == [(True,)], f"{table}.{column}"
