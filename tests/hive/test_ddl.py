"""The statements for a Hive catalogue: that they are Athena's, and that the files hold the types they name."""

import json
import subprocess
import time

import moto.athena.models
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from moto.core import DEFAULT_ACCOUNT_ID
from sqlglot import exp
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.cloudwatch import store
from pipelines.cloudwatch.tables import HARDWARE_METRICS, METRIC_TABLES
from pipelines.flatten.layout import lake_tables
from pipelines.harvest.archive import RawArchive
from pipelines.hive.ddl import COMMENT_BYTES, TYPES, statements
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest
from pipelines.models.build import Build
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from pipelines.tables import Column, Table
from tests.main_job import only_the_simulator
from tests.pages import block
from tests.records import ARN

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
LAKE = [table.table for table in lake_tables()]


@pytest.fixture(scope="module")
def marts():
    return load_catalogue(shipped("sql")).marts


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


def test_every_statement_is_athenas_and_has_every_column_with_its_sentence(monkeypatch, marts):
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
        for table in (*LAKE, *METRIC_TABLES, *marts)
    }


def test_the_documented_way_has_athena_run_each_of_them(monkeypatch):
    only_the_simulator(monkeypatch, AWS_DEFAULT_REGION="us-east-1")
    monkeypatch.setattr(subprocess, "check_output", lambda *_, **__: "drop a;\ncreate a;\n")
    with moto.mock_aws():
        exec(block("scaling", "start_query_execution"), {})
        ran = moto.athena.models.athena_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].executions.values()
        assert [execution.query for execution in ran] == ["drop a", "create a"]


def test_without_a_bucket_there_are_no_tables(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINYARD_HOME", str(tmp_path))
    assert "s3://bucket/prefix" in str(CliRunner().invoke(app, ["ddl"]).exception)


def test_the_files_of_the_lake_hold_the_types(made_home):
    manifest = read_manifest(made_home.lake)
    for table in LAKE:
        paths = manifest.paths(made_home.lake, table.name)
        assert paths, table.name
        assert held(paths[0]) == read(table)


def test_the_files_of_measurements_hold_the_types(made_home):
    (path, *_) = store.held(made_home).paths(made_home.metrics, HARDWARE_METRICS.name)
    assert held(path) == read(HARDWARE_METRICS)


def test_so_do_files_that_are_written_anew(tmp_path):
    home = Home(tmp_path)
    for number, names in enumerate(("ab", "a")):  # the file of both is written anew without the one that is replaced
        jobs = [{"TrainingJobArn": ARN + name, "CreationTime": 1_746_100_000} for name in names]
        lines = [
            (time.time(), json.dumps(job | {"Tags": [{"Key": "a", "Value": f"{number}"}]}).encode()) for job in jobs
        ]
        RawArchive(home.raw).append("012345678901-eu-west-1", lines, 0)
        load(home)
    tables = {table.name: table for table in LAKE}
    for name in ("training_jobs", "tags"):
        (path,) = home.lake.glob(f"{name}/**/*-held.parquet")
        assert held(path) == read(tables[name])


def test_the_files_of_the_marts_hold_the_types(made_home, marts):
    build = Build(max(made_home.builds.glob("*/settled.json")).parent)
    for table in marts:
        for path in build.files(table.qualified_name).values():
            assert held(path) == read(table)


def held(path):
    """The names and types of a file's columns."""
    schema = pq.read_schema(path)
    return {name: schema.field(name).type for name in schema.names}


def read(table):
    """The names and types of what a table of the catalogue reads."""
    return {column.name: READS[TYPES[column.type]] for column in table.columns}
