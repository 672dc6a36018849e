"""`trainyard query`: the published warehouse answers, read-only, in the format asked for."""

import io
import json
import subprocess
import sys

import duckdb
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.errors import TrainyardError
from pipelines.home import Home
from pipelines.query import Format, write_answer
from pipelines.status import read_status, show_status
from tests.main_job import trainyard


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table jobs as select range as job, 'a|b' as name from range(3)")
    return path


def test_a_table_for_people(warehouse, capsys):
    write_answer(warehouse, "select * from jobs order by job;", Format.table)
    assert capsys.readouterr().out.split() == ["job", "name", "─" * 12, "0", "a|b", "1", "a|b", "2", "a|b"]


def test_values_are_shown_as_people_read_them(warehouse, capsys):
    sql = "select 0.1::double + 0.2 as double, true as yes, x as number from (values (null), (7)) as t(x) order by all"
    write_answer(warehouse, sql, Format.table)
    *_, first, second, _ = capsys.readouterr().out.splitlines()
    assert sorted((first.split(), second.split())) == [["0.3", "true"], ["0.3", "true", "7"]]
    assert max(first.rstrip(), second.rstrip(), key=len).endswith("     7")


def test_formats_for_programs(warehouse, capfdbinary):
    write_answer(warehouse, "select job from jobs order by job -- all\n", Format.csv)
    assert capfdbinary.readouterr().out == b"job\n0\n1\n2\n"
    write_answer(warehouse, "select job from jobs order by job;", Format.json)
    assert json.loads(capfdbinary.readouterr().out) == [{"job": 0}, {"job": 1}, {"job": 2}]
    write_answer(warehouse, "select job from jobs order by job", Format.parquet)
    assert pq.read_table(io.BytesIO(capfdbinary.readouterr().out)).column("job").to_pylist() == [0, 1, 2]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_the_encoding_of_the_output_lacks_is_an_escape(warehouse):
    told = trainyard("query", "select 'caf' || chr(233) as job", home=warehouse.parent, PYTHONIOENCODING="ascii")
    assert r"caf\xe9" in told.stdout


@pytest.mark.parametrize("output", [Format.table, Format.csv, Format.json])
def test_a_terminal_obeys_nothing_that_is_shown(warehouse, monkeypatch, output):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    write_answer(warehouse, "select 'caf' || chr(233) || chr(27) || ']0;owned' || chr(7) as job from range(2)", output)
    said = terminal.getvalue()
    assert "\x1b]" not in said
    assert "\x07" not in said
    assert said.count("café") == said.count("]0;owned") == 2


def test_a_terminal_is_given_no_parquet(warehouse, monkeypatch):
    monkeypatch.setattr("sys.stdout", Terminal())
    with pytest.raises(TrainyardError, match=r"> answer\.parquet"):
        write_answer(warehouse, "select 1", Format.parquet)


@pytest.mark.parametrize("output", list(Format))
@pytest.mark.parametrize("sql", ["select nothing from jobs", "drop table jobs", "delete from jobs", "selec", ""])
def test_what_is_refused_is_said_in_one_line(warehouse, output, sql, capsys):
    with pytest.raises(TrainyardError) as error:
        write_answer(warehouse, sql, output)
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("sql", ["select checksum from jobs", "select 'INTERNAL'::int", "select error('checksum')"])
def test_words_of_ones_own_are_no_sign_of_damage(warehouse, sql):
    with pytest.raises(TrainyardError) as error:
        write_answer(warehouse, sql, Format.csv)
    assert "damaged" not in str(error.value)


@pytest.mark.parametrize("output", [Format.csv, Format.json, Format.parquet])
@pytest.mark.parametrize(
    "sql", ["select 1 as n; -- done", "describe jobs", "show tables", "summarize jobs", "from jobs"]
)
def test_what_is_shown_is_written_too(warehouse, output, sql):
    write_answer(warehouse, sql, output)


def test_rows_are_written_in_their_order(warehouse, capfdbinary):
    write_answer(warehouse, "select range as n from range(300000) order by n desc", Format.csv)
    assert capfdbinary.readouterr().out.split() == [b"n", *(b"%d" % n for n in range(299_999, -1, -1))]


def test_before_the_first_run_it_says_what_to_do(tmp_path):
    with pytest.raises(TrainyardError, match="trainyard run"):
        write_answer(tmp_path / "warehouse.duckdb", "select 1", Format.table)


@pytest.mark.parametrize("output", list(Format))
@pytest.mark.parametrize(
    "sql",
    [
        "copy jobs to 'written'",
        "select * from read_csv('other.csv')",
        "select * from 'other.csv'",
        "attach 'written'",
        "export database 'written'",
        "set enable_external_access = true",
    ],
)
def test_it_reaches_no_other_file(warehouse, monkeypatch, tmp_path, output, sql, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("secret\n1\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(TrainyardError) as error:
        write_answer(warehouse, sql, output)
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.iterdir()) == before
    assert capsys.readouterr().out == ""


WRITER = "import duckdb, sys; connection = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


@pytest.fixture
def writer(warehouse):
    """Another process that has the file open for writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"open\n"
        yield
        process.kill()


@pytest.mark.usefixtures("writer")
def test_a_file_that_another_process_writes_to_is_said(warehouse):
    for ask in (
        lambda: write_answer(warehouse, "select 1", Format.table),
        lambda: show_status(read_status(Home(warehouse.parent)), Console(file=io.StringIO())),
    ):
        with pytest.raises(TrainyardError, match="open for writing elsewhere"):
            ask()


def test_status_of_a_file_that_is_none_of_trainyards(warehouse):
    told = io.StringIO()
    show_status(read_status(Home(warehouse.parent)), Console(file=told, width=300))
    assert f"warehouse: {warehouse} is none of Trainyard's" in told.getvalue()


def test_status_of_a_file_that_is_none_of_duckdbs(tmp_path):
    (tmp_path / "warehouse.duckdb").write_text("hello")
    with pytest.raises(TrainyardError, match="`trainyard build` publishes it anew"):
        show_status(read_status(Home(tmp_path)), Console(file=io.StringIO()))
