"""`trainyard query`: the published warehouse answers, read-only, in the format asked for."""

import io
import json

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TrainyardError
from pipelines.query import Format, write_answer


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table jobs as select range as job, 'a|b' as name from range(3)")
    return path


def test_a_table_for_people(warehouse, capsys):
    write_answer(warehouse, "select * from jobs order by job;", Format.table)
    assert capsys.readouterr().out.split() == ["job", "name", "─" * 12, "0", "a|b", "1", "a|b", "2", "a|b"]


def test_formats_for_programs(warehouse, capfdbinary):
    write_answer(warehouse, "select job from jobs order by job -- all\n", Format.csv)
    assert capfdbinary.readouterr().out == b"job\n0\n1\n2\n"
    write_answer(warehouse, "select job from jobs order by job;", Format.json)
    assert json.loads(capfdbinary.readouterr().out) == [{"job": 0}, {"job": 1}, {"job": 2}]
    write_answer(warehouse, "select job from jobs order by job", Format.parquet)
    assert pq.read_table(io.BytesIO(capfdbinary.readouterr().out)).column("job").to_pylist() == [0, 1, 2]


@pytest.mark.parametrize("output", list(Format))
@pytest.mark.parametrize("sql", ["select nothing from jobs", "drop table jobs", "delete from jobs", "selec", ""])
def test_what_is_refused_is_said_in_one_line(warehouse, output, sql, capsys):
    with pytest.raises(TrainyardError) as error:
        write_answer(warehouse, sql, output)
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""


def test_before_the_first_run_it_says_what_to_do(tmp_path):
    with pytest.raises(TrainyardError, match="trainyard run"):
        write_answer(tmp_path / "warehouse.duckdb", "select 1", Format.table)
