"""The published file in other versions of DuckDB, as drivers of BI tools have them: the same tables, comments, rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Where `make clients` puts them: as folders to import from, for an environment has one.
OTHERS = sorted(Path(sys.prefix).glob("duckdb-*.*.*"))
# Written so that each of the versions runs it.
READ = """
import hashlib, json, sys, duckdb

connection = duckdb.connect(sys.argv[1], read_only=True)
tables = connection.execute("select schema_name, table_name, comment from duckdb_tables() order by all").fetchall()
read = {}
for schema, table, comment in tables:
    columns = connection.execute(
        "select column_name, data_type, comment from duckdb_columns() where schema_name = ? and table_name = ?"
        " order by column_index", [schema, table]).fetchall()
    rows = connection.execute(f'select * from {schema}."{table}"').fetchall()
    read[f"{schema}.{table}"] = [comment, columns, len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()]
print(json.dumps([duckdb.__version__, read]))
"""


def read_by(warehouse, folder=None):
    path = {"PYTHONPATH": str(folder)} if folder else {}
    command = [sys.executable, "-c", READ, str(warehouse)]
    return json.loads(subprocess.run(command, env=os.environ | path, check=True, capture_output=True).stdout)


@pytest.fixture(scope="module")
def read(made_home):
    _, read = read_by(made_home.warehouse)
    assert len(read) > 80
    return read


@pytest.mark.skipif(not OTHERS, reason="no other DuckDB is installed here: `make clients` has some")
@pytest.mark.parametrize("folder", OTHERS, ids=lambda folder: folder.name)
def test_another_version_reads_the_same(folder, made_home, read):
    version, found = read_by(made_home.warehouse, folder)
    assert folder.name == f"duckdb-{version}"
    assert found.keys() == read.keys()
    assert [table for table in read if found[table] != read[table]] == []
