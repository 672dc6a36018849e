"""`trainyard publish postgres`: in PostgreSQL is what was published, whole at every moment, and its uses stay."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from itertools import pairwise

import duckdb
import psycopg2
import pytest

from pipelines.cli import app
from pipelines.errors import TrainyardError
from pipelines.postgres import TYPES, mirror_marts
from pipelines.tables import quoted
from tests.main_job import trainyard
from tests.pages import block
from tests.postgres_server import PASSWORD, SUPERUSER

SECRET = "geheim"  # in the DSN of whoever publishes


@pytest.fixture(scope="module")
def server(postgres_port):
    return {"host": "127.0.0.1", "port": postgres_port, "user": SUPERUSER, "password": PASSWORD}


@pytest.fixture(scope="module")
def database(server):
    """A database that is made ready as the documentation says."""
    with connected(**server, dbname="postgres") as superuser:
        asked(superuser, "create database bi")
    with connected(**server, dbname="bi") as superuser:
        asked(superuser, block("connecting", "create role trainyard"))
        asked(superuser, f"alter role trainyard password '{SECRET}'; alter role bi_reader password '{SECRET}'")
    return f"{server['host']}:{server['port']}/bi"


@pytest.fixture
def schema(server, database, request):
    """A schema of the test's own, as the documentation makes one."""
    name = f"of {request.node.originalname}"[:63]
    with connected(**server, dbname="bi") as superuser:
        asked(superuser, f'create schema "{name}" authorization trainyard; grant usage on schema "{name}" to bi_reader')
        granted = f'for role trainyard in schema "{name}" grant select on tables to bi_reader'
        asked(superuser, f"alter default privileges {granted}")
    return name


@pytest.fixture
def dsn(database):
    return f"postgresql://trainyard:{SECRET}@{database}"


@pytest.fixture
def publisher(dsn):
    with connected(dsn) as connection:
        yield connection


@pytest.fixture
def reader(database):
    with connected(f"postgresql://bi_reader:{SECRET}@{database}") as connection:
        yield connection


@contextmanager
def connected(*address, **server):
    with closing(psycopg2.connect(*address, **server)) as connection:
        connection.autocommit = True
        yield connection


def asked(connection, sql):
    """The rows of a statement, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def wait_until(is_so):
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def warehouse_of(path, **marts):
    """A published file with these marts: each a SELECT, whose columns are commented."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for name, select in marts.items():
            connection.execute(f"create table marts.{quoted(name)} as {select}")
            connection.execute(f"comment on table marts.{quoted(name)} is 'It''s {name}.'")
        for table, column in connection.execute("select table_name, column_name from duckdb_columns()").fetchall():
            if table in marts:
                connection.execute(f"comment on column marts.{quoted(table)}.{quoted(column)} is 'Its values.'")
    return path


COMMENTS = """
    select c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        obj_description(c.oid, 'pg_class'), col_description(c.oid, a.attnum)
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = to_regnamespace('trainyard') and c.relkind = 'r' and a.attnum > 0"""


def test_every_mart_every_row_and_every_comment_is_there(made_home, database, publisher, reader):
    address = f"postgresql://trainyard@{database}"
    said = trainyard("publish", "postgres", address, home=made_home.root, PGPASSWORD=SECRET).stdout
    assert said.startswith("published ")
    assert said.endswith(" rows in the schema trainyard\n")
    with duckdb.connect(str(made_home.warehouse), read_only=True) as marts:
        columns = marts.execute(
            "select table_name, column_name, data_type, t.comment, c.comment"
            " from duckdb_tables() t join duckdb_columns() c using (table_oid, table_name)"
            " where t.schema_name = 'marts'"
        ).fetchall()
        assert set(asked(publisher, COMMENTS)) == {(*row[:2], TYPES[row[2]], *row[3:]) for row in columns}
        for table in {table for table, *_ in columns}:
            names = ", ".join(f'"{column}"' for of, column, *_ in columns if of == table)
            rows = marts.execute(f"select {names} from marts.{table}").fetchall()
            assert Counter(asked(reader, f"select {names} from trainyard.{table}")) == Counter(rows), table


def test_readers_find_one_publish_whole(tmp_path, dsn, reader, publisher, schema):
    marts = [f"t{number}" for number in range(5)]
    even, odd = (
        warehouse_of(tmp_path / number, **dict.fromkeys(marts, f"select {number}::bigint as publish from range(50)"))
        for number in "01"
    )
    mirror_marts(even, dsn, schema)
    asked(publisher, f'create view "{schema}".seen as select publish from "{schema}".t0')
    asked(publisher, f'grant select on "{schema}".seen to bi_reader')
    queries = [f"select publish, count(*) from {table} group by publish" for table in [*marts, "seen"]]
    all_at_once = " union ".join(queries)
    found, errors, ended = {True: [], False: []}, [], threading.Event()

    def read(in_one_snapshot):
        """Ask of all tables in one statement, prepared or not, or in a transaction that sees one state."""
        try:
            with closing(psycopg2.connect(reader.dsn, password=SECRET)) as connection:
                asked(connection, f'set search_path = "{schema}"')
                asked(connection, f"prepare look as {all_at_once}")
                connection.commit()
                connection.set_session(isolation_level="REPEATABLE READ" if in_one_snapshot else "READ COMMITTED")
                while not ended.wait(0.002):
                    if in_one_snapshot:
                        found[True].append({row for query in queries for row in asked(connection, query)})
                    else:
                        found[False] += [
                            set(asked(connection, look)) for look in (" union ".join(queries), "execute look")
                        ]
                    connection.commit()
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=read, args=[in_one_snapshot]) for in_one_snapshot in found]
    for thread in readers:
        thread.start()
    try:
        for number in range(1, 21):
            mirror_marts(odd if number % 2 else even, dsn, schema)
    finally:
        ended.set()
        for thread in readers:
            thread.join()
    assert not errors
    for states in found.values():
        assert [state for state in states if state not in ({(0, 50)}, {(1, 50)})] == []
        assert sum(one != other for one, other in pairwise(states)) > 5


def test_grants_views_and_indexes_stay_and_a_new_version_may_have_other_columns(
    tmp_path, dsn, publisher, reader, schema
):
    one = warehouse_of(tmp_path / "1", jobs="select 1::bigint as id, 'a' as gone, 2::bigint as kind")
    mirror_marts(one, dsn, schema)
    asked(publisher, f'create view "{schema}".mine as select id from "{schema}".jobs')
    asked(publisher, f'grant select on "{schema}".mine to bi_reader')
    asked(publisher, f'create index by_id on "{schema}".jobs (id)')
    new = quoted('new "one"')
    two = warehouse_of(
        tmp_path / "2",
        jobs=f"select 'text' as kind, 7::bigint as id, date '2026-01-02' as {new}",
        more="select 1 < 2 as yes",
    )
    mirror_marts(two, dsn, schema)
    assert asked(reader, f'select id, kind, {new} from "{schema}".jobs') == [(7, "text", dt.date(2026, 1, 2))]
    assert asked(reader, f'select * from "{schema}".mine') == [(7,)]
    assert asked(reader, f'select * from "{schema}".more') == [(True,)]
    names = "select attname from pg_attribute where attrelid = to_regclass('\"{}\".jobs') and attnum > 0"
    names = asked(publisher, names.format(schema) + " and not attisdropped")
    assert {name for (name,) in names} == {"id", "kind", 'new "one"'}
    assert asked(publisher, f"select 1 from pg_indexes where schemaname = '{schema}' and indexname = 'by_id'")


def test_a_column_that_a_view_needs_is_not_taken_from_it(tmp_path, dsn, publisher, schema):
    mirror_marts(warehouse_of(tmp_path / "1", jobs="select 1::bigint as id, 'a' as gone"), dsn, schema)
    asked(publisher, f'create view "{schema}".mine as select gone from "{schema}".jobs')
    with pytest.raises(TrainyardError, match="cannot drop column gone"):
        mirror_marts(warehouse_of(tmp_path / "2", jobs="select 2::bigint as id"), dsn, schema)
    assert asked(publisher, f'select * from "{schema}".mine') == [("a",)]


def test_a_reader_is_not_kept_waiting_by_a_table_that_is_altered(tmp_path, dsn, reader, schema):
    mirror_marts(warehouse_of(tmp_path / "1", jobs="select 1::bigint as id"), dsn, schema)
    altered = warehouse_of(tmp_path / "2", jobs="select 2::bigint as id, 'a' as kind")
    reader.autocommit = False
    assert asked(reader, f'select id from "{schema}".jobs') == [(1,)]
    with pytest.raises(TrainyardError, match="readers hold a table that is to be altered: run again"):
        mirror_marts(altered, dsn, schema)
    assert asked(reader, f'select id from "{schema}".jobs') == [(1,)]
    reader.commit()
    mirror_marts(altered, dsn, schema)
    assert asked(reader, f'select * from "{schema}".jobs') == [(2, "a")]


def test_what_postgres_cannot_store_is_replaced_and_said(tmp_path, dsn, reader, schema, monkeypatch, capsys):
    texts = "select 'a' || chr(0) || 'b' || chr(0) as text, null::varchar as other union all select '', 'ü\\n'"
    warehouse_of(tmp_path / "warehouse.duckdb", texts=texts)
    monkeypatch.setenv("TRAINYARD_HOME", str(tmp_path))
    app(["publish", "postgres", dsn, "--schema", schema], standalone_mode=False)
    assert "warning: 1 texts have NUL" in capsys.readouterr().err
    assert set(asked(reader, f'select * from "{schema}".texts')) == {("a\ufffdb\ufffd", None), ("", "ü\\n")}


def test_a_mirror_that_cannot_be_vacuumed_is_published_with_a_warning(tmp_path, dsn, publisher, reader, schema):
    mirror_marts(warehouse_of(tmp_path / "1", jobs="select 1::bigint as id"), dsn, schema)
    publisher.autocommit = False
    asked(publisher, f'lock table "{schema}".jobs in share update exclusive mode')  # as a vacuum of the server's own
    hurried = f"{dsn}?options=-c%20statement_timeout%3D500"
    mirrored = mirror_marts(warehouse_of(tmp_path / "2", jobs="select 2::bigint as id"), hurried, schema)
    publisher.rollback()
    assert asked(reader, f'select id from "{schema}".jobs') == [(2,)]
    (warning,) = mirrored.warnings
    assert "could not vacuum them (canceling statement due to statement timeout)" in warning


def test_a_table_that_is_no_mart_stays_and_is_named(tmp_path, dsn, publisher, schema):
    one = warehouse_of(tmp_path / "1", jobs="select 1::bigint as id", gone="select 'last' as row")
    assert mirror_marts(one, dsn, schema).warnings == ()
    asked(publisher, f'create table "{schema}"."my own" (id bigint)')
    (warning,) = mirror_marts(warehouse_of(tmp_path / "2", jobs="select 2::bigint as id"), dsn, schema).warnings
    assert "are no marts, and stay as they are: gone, my own" in warning
    assert asked(publisher, f'select * from "{schema}".gone') == [("last",)]


SLOWLY = """
import sys, time
from pathlib import Path
from pipelines import postgres
replace_rows = postgres._replace_rows
def slowly(marts, connection, table):
    copied = replace_rows(marts, connection, table)
    if table.name == "second":
        print("copied", flush=True)
        time.sleep(60)
    return copied
postgres._replace_rows = slowly
postgres.mirror_marts(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
"""


def test_one_publishes_at_a_time_and_may_be_killed(tmp_path, dsn, publisher, schema):
    def publish(number):
        marts = dict.fromkeys(("first", "second"), f"select {number}::bigint as publish")
        return warehouse_of(tmp_path / str(number), **marts)

    def there():
        return asked(publisher, f'select * from "{schema}".first, "{schema}".second')

    mirror_marts(publish(1), dsn, schema)
    killed = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(publish(2)), dsn, schema], stdout=subprocess.PIPE, env=os.environ
    )
    with killed:
        assert killed.stdout.readline() == b"copied\n"
        with pytest.raises(TrainyardError, match="another process is publishing into the schema"):
            mirror_marts(publish(3), dsn, schema)
        killed.kill()
    assert there() == [(1, 1)]
    wait_until(
        lambda: not asked(publisher, "select 1 from pg_locks where locktype = 'advisory'")
    )  # it is seen to be gone
    mirror_marts(publish(4), dsn, schema)
    assert there() == [(4, 4)]


def test_ctrl_c_ends_it_while_postgres_works(tmp_path, dsn, publisher, schema):
    warehouse = warehouse_of(tmp_path / "warehouse.duckdb", jobs="select 1::bigint as id")
    mirror_marts(warehouse, dsn, schema)
    publisher.autocommit = False
    asked(publisher, f'lock table "{schema}".jobs in access exclusive mode')
    command = [sys.executable, "-m", "pipelines.cli", "publish", "postgres", dsn, "--schema", schema]
    environment = os.environ | {"TRAINYARD_HOME": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as ended:
        wait_until(lambda: asked(publisher, "select 1 from pg_locks where not granted"))
        ended.send_signal(signal.SIGINT)
        assert "ended by SIGINT" in ended.communicate(timeout=30)[1]
    assert ended.returncode == 130


def test_a_schema_of_something_else_is_left_alone(tmp_path, dsn, publisher, schema):
    asked(publisher, f'create table "{schema}".jobs (mine text)')
    with pytest.raises(TrainyardError, match="holds something else: name another one with --schema"):
        mirror_marts(warehouse_of(tmp_path / "1", jobs="select 1::bigint as id"), dsn, schema)
    assert asked(publisher, f'select * from "{schema}".jobs') == []


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://trainyard:{secret}-wrong@{database}",
        "postgresql://trainyard:{secret}@127.0.0.1:1/bi",
        "postgresql://trainyard:{secret}@{database}-of-nobody",
        "postgresql://trainyard:{secret}%zz@{database}",
        "postgresql://trainyard:{secret}/{secret}@{database}",
        "postgresql://trainyard:pass@{secret}@{database}",
        "postgres:/trainyard:{secret}@{database}",
        "host=127.0.0.1 password='{secret}",
        "{secret}",
        "",
    ],
)
def test_an_error_is_one_line_without_the_password(tmp_path, database, address):
    warehouse = warehouse_of(tmp_path / "1", jobs="select 1::bigint as id")
    with pytest.raises(TrainyardError, match="name it as postgresql://user@host/database") as error:
        mirror_marts(warehouse, address.format(secret=SECRET, database=database), "trainyard")
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)


def test_what_the_server_refuses_is_said_in_its_words(tmp_path, database):
    warehouse = warehouse_of(tmp_path / "1", jobs="select 1::bigint as id")
    with pytest.raises(TrainyardError, match=r"^PostgreSQL refused the mirror: permission denied for database bi$"):
        mirror_marts(warehouse, f"postgresql://bi_reader:{SECRET}@{database}", "denied")
    with pytest.raises(TrainyardError, match="`trainyard run` publishes it"):
        mirror_marts(tmp_path / "nothing", "", "trainyard")
