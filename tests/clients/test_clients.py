"""The published file in clients of DuckDB, by what each shows: comments, types, dates, the build that is in force."""

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.models.publish import placing
from tests.pages import block

NAMES = "date account_id region instance_type is_spot submitted_jobs started_jobs active_jobs ended_jobs instance_hours"
ROWS = f"select {NAMES.replace(' ', ', ')} from marts.utilization_daily"
FIRST = f"{ROWS} order by date, account_id, region, instance_type, is_spot limit 3"


@pytest.fixture
def warehouse(made_home):
    return str(made_home.warehouse)


@pytest.fixture
def connection(warehouse):
    with duckdb.connect(warehouse, read_only=True) as connection:
        yield connection


@pytest.fixture
def asked(warehouse):
    """What DuckDB itself answers, with nothing left open: a process has a file open with one configuration alone."""

    def asked(sql):
        with duckdb.connect(warehouse, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return asked


@pytest.fixture
def first(asked):
    return asked(FIRST)


@pytest.fixture
def comments(asked):
    """Of a mart and of its columns."""
    ((comment,),) = asked("select comment from duckdb_tables() where table_name = 'utilization_daily'")
    return comment, dict(
        asked("select column_name, comment from duckdb_columns() where table_name = 'utilization_daily'")
    )


# SQLAlchemy, and what is built on it.
@pytest.fixture
def engine(warehouse):
    pytest.importorskip("duckdb_sqlalchemy", reason="not installed here: `make clients` has it")
    return sqlalchemy_engine(warehouse)


def sqlalchemy_engine(warehouse):
    """The one that docs/connecting.md makes."""
    text = block("connecting", "sa.create_engine")
    assert "/path/to/warehouse.duckdb" in text
    names = {}
    exec(text.replace("/path/to/warehouse.duckdb", str(warehouse)), names)
    return names["engine"]


def test_sqlalchemy_finds_every_mart_with_comments_and_types(engine, asked, comments):
    import sqlalchemy as sa

    listed = "select table_name from duckdb_tables() where schema_name = 'marts'"
    assert set(sa.inspect(engine).get_table_names(schema="marts")) == {name for (name,) in asked(listed)}
    mart = sa.Table("utilization_daily", sa.MetaData(), schema="marts", autoload_with=engine)
    assert (mart.comment, {column.name: column.comment for column in mart.columns}) == comments
    found = {column.name: type(column.type.as_generic()) for column in mart.columns}
    assert {name: found[name] for name in ("date", "account_id", "is_spot", "submitted_jobs", "instance_hours")} == {
        "date": sa.Date,
        "account_id": sa.String,
        "is_spot": sa.Boolean,
        "submitted_jobs": sa.BigInteger,
        "instance_hours": sa.Double,
    }
    jobs = sa.Table("fct_training_jobs", sa.MetaData(), schema="marts", autoload_with=engine)
    assert isinstance(jobs.c.creation_time.type, sa.DateTime)
    assert not jobs.c.creation_time.type.timezone


def test_sqlalchemy_gives_the_rows_and_takes_no_others(engine, first):
    import sqlalchemy as sa

    with engine.connect() as session:
        assert [tuple(row) for row in session.execute(sa.text(FIRST))] == first
        mart = sa.Table("utilization_daily", sa.MetaData(), schema="marts", autoload_with=engine)
        since = sa.select(sa.func.count()).where(mart.c.date > dt.date(2026, 6, 30))
        assert session.execute(since).scalar_one() > 0
    for refused in ("create table x as select 1", "select * from read_csv('/etc/passwd')"):
        with engine.connect() as session, pytest.raises(sa.exc.DBAPIError):
            session.execute(sa.text(refused))


def test_sqlalchemy_shows_the_build_that_is_in_force(tmp_path):
    pytest.importorskip("duckdb_sqlalchemy", reason="not installed here: `make clients` has it")
    import sqlalchemy as sa

    builds, target = [tmp_path / "0.duckdb", tmp_path / "1.duckdb"], tmp_path / "warehouse.duckdb"
    for number, build in enumerate(builds):
        with duckdb.connect(str(build)) as connection:
            connection.execute(f"create table build as select {number} as number")
    shutil.copyfile(builds[0], target)
    engine = sqlalchemy_engine(target)
    for number in range(20):
        with placing(target) as beside:
            shutil.copyfile(builds[number % 2], beside)
        with engine.connect() as session:
            assert session.execute(sa.text("select number from build")).scalar_one() == number % 2


# Data frames.
def test_pandas(connection):
    pd = pytest.importorskip("pandas", reason="not installed here: `make clients` has it")
    frame = connection.execute(ROWS).df()
    kinds = {name: frame.dtypes[name].kind for name in ("date", "is_spot", "submitted_jobs", "instance_hours")}
    assert kinds == {"date": "M", "is_spot": "b", "submitted_jobs": "i", "instance_hours": "f"}
    assert frame["date"].dt.tz is None
    ((total,),) = connection.execute("select sum(submitted_jobs) from marts.utilization_daily").fetchall()
    assert frame.set_index("date").resample("MS")["submitted_jobs"].sum().sum() == total
    jobs = connection.execute("select instance_count, creation_time, account_id from marts.fct_training_jobs").df()
    assert pd.api.types.is_integer_dtype(jobs["instance_count"])  # though some are not known
    assert jobs["creation_time"].dtype.kind == "M"
    assert jobs["account_id"].str.fullmatch(r"\d{12}").all()


def test_pandas_through_sqlalchemy(engine, first):
    pd = pytest.importorskip("pandas", reason="not installed here: `make clients` has it")
    with engine.connect() as session:
        frame = pd.read_sql(FIRST, session, parse_dates=["date"])
    assert frame["date"].dtype.kind == "M"
    assert frame["submitted_jobs"].tolist() == [row[5] for row in first]


def test_polars(connection, first):
    pl = pytest.importorskip("polars", reason="not installed here: `make clients` has it")
    frame = pl.read_database(FIRST, connection)
    assert frame.rows() == first
    assert frame.schema["date"] == pl.Date
    assert frame.schema["submitted_jobs"] == pl.Int64
    jobs = connection.sql("select creation_time, gpu_count from marts.fct_training_jobs").pl()
    assert jobs.schema == {"creation_time": pl.Datetime("us"), "gpu_count": pl.Int64}


# Arrow's database connectivity: DuckDB's own driver.
def test_adbc(warehouse, first, comments):
    pytest.importorskip("adbc_driver_manager", reason="not installed here: `make clients` has it")
    import adbc_driver_duckdb
    import pyarrow as pa
    from adbc_driver_manager import dbapi

    _, columns = comments
    options = {"path": warehouse, "access_mode": "READ_ONLY"}
    driver = adbc_driver_duckdb.driver_path()
    with dbapi.connect(driver, entrypoint="duckdb_adbc_init", db_kwargs=options) as session:
        with session.cursor() as cursor:
            cursor.execute(FIRST)
            table = cursor.fetch_arrow_table()
        found = session.adbc_get_objects(
            depth="columns", db_schema_filter="marts", table_name_filter="utilization_daily"
        ).read_all()
    assert [tuple(row.values()) for row in table.to_pylist()] == first
    assert table.schema.field("date").type == pa.date32()
    assert table.schema.field("submitted_jobs").type == pa.int64()
    assert table.schema.field("instance_hours").type == pa.float64()
    (mart,) = (
        table
        for catalog in found.to_pylist()
        for schema in catalog["catalog_db_schemas"] or ()
        for table in schema["db_schema_tables"] or ()
    )
    assert [column["column_name"] for column in mart["table_columns"]] == list(columns)


# The shell.
@pytest.fixture
def shell():
    program = Path(sys.prefix) / "bin" / "duckdb"
    found = str(program) if program.exists() else shutil.which("duckdb")
    if not found:
        pytest.skip("there is no duckdb shell here: `make clients` has it")
    return found


def test_the_duckdb_shell(shell, warehouse, first, comments):
    def asked(sql):
        command = [shell, "-readonly", "-json", warehouse, "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert [tuple(row.values()) for row in json.loads(asked(FIRST))] == [(str(date), *rest) for date, *rest in first]
    commented = "select comment from duckdb_tables() where table_name = 'utilization_daily'"
    assert comments[0] in asked(commented)
    with pytest.raises(subprocess.CalledProcessError):
        asked("create table x as select 1")
