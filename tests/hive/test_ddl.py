"""The statements for a Hive catalogue: that they are Athena's, and that the files hold the types they name."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.flatten.layout import lake_tables
from pipelines.hive.ddl import COMMENT_BYTES, TYPES, statements
from pipelines.lake.manifest import read_manifest
from pipelines.models.build import Build
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from pipelines.tables import Column, Table

JOBS = Table(
    "marts",
    "jobs",
    "One row per job.",
    (Column("date", "DATE", "The job's day."), Column("gpu_hours", "DOUBLE", "Hours.")),
)
# What each type reads of a Parquet file, by Athena's documentation: instants in microseconds, without a zone.
READS = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}
MARTS = [bound.table for bound in load_catalogue(shipped("sql")).models if bound.table.schema == "marts"]
LAKE = [table.table for table in lake_tables()]


def test_a_table():
    assert list(statements("s3://bucket/prefix", [JOBS])) == [
        "create database if not exists `trainyard_marts`",
        "drop table if exists `trainyard_marts`.`jobs`",
        """\
create external table `trainyard_marts`.`jobs` (
  `date` date comment 'The job’s day.',
  `gpu_hours` double comment 'Hours.'
)
comment 'One row per job.'
row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
stored as
  inputformat 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
  outputformat 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
location 's3://bucket/prefix/links/marts/jobs/'""",
    ]


def test_a_comment_that_is_too_long_for_the_catalogue_is_cut():
    table = Table("marts", "jobs", "One row.", (Column("a", "DATE", "é" * COMMENT_BYTES),))
    (column,) = parsed(list(statements("s3://b", [table]))[-1]).find_all(exp.CommentColumnConstraint)
    assert column.this.name == "é" * 126 + "…"


def parsed(statement):
    tree = sqlglot.parse_one(statement, read="athena")
    assert isinstance(tree, exp.Create | exp.Drop), tree  # not what a parser keeps of what it does not know
    return tree


def test_every_statement_is_athenas_and_has_every_column_with_its_sentence(monkeypatch):
    monkeypatch.setenv("TRAINYARD_HOME", "s3://bucket/prefix")
    printed = CliRunner().invoke(app, ["ddl"]).stdout.split(";\n")
    assert printed.pop() == ""
    made = {}
    for statement in printed:
        assert len(statement.encode()) < 262_144  # Athena's limit
        tree = parsed(statement)
        for column in tree.find_all(exp.ColumnDef):
            made.setdefault((tree.this.this.db, tree.this.this.name), []).append(
                (column.name, column.find(exp.CommentColumnConstraint).this.name)
            )
    assert made == {
        (f"trainyard_{table.schema}", table.name): [
            (column.name, column.comment.replace("'", "’")) for column in table.columns
        ]
        for table in (*LAKE, *MARTS)
    }


def test_without_a_bucket_there_are_no_tables(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINYARD_HOME", str(tmp_path))
    assert "s3://bucket/prefix" in str(CliRunner().invoke(app, ["ddl"]).exception)


@pytest.mark.parametrize("table", LAKE, ids=lambda table: table.name)
def test_the_files_of_the_lake_hold_the_types(table, made_home):
    paths = read_manifest(made_home.lake).paths(made_home.lake, table.name)
    held = {"-held-" in path.name: path for path in paths}  # by which of the two writers
    for path in held.values():
        assert_reads(table, path)


@pytest.mark.parametrize("table", MARTS, ids=lambda table: table.name)
def test_the_files_of_the_marts_hold_the_types(table, made_home):
    build = Build(max(made_home.builds.glob("*/settled.json")).parent)
    for path in build.files(table.qualified_name).values():
        assert_reads(table, path)


def assert_reads(table, path):
    schema = pq.read_schema(path)
    found = {name: schema.field(name).type for name in schema.names}
    assert {column.name: READS[TYPES[column.type]] for column in table.columns} == found
