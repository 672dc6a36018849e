"""Running the main job in tests as users do: the command in a process of its own, against a simulated SageMaker."""

import datetime as dt
import os
import tempfile
from collections.abc import Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import duckdb

from pipelines.flatten.layout import lake_tables
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.models.begin import begin_build
from pipelines.models.catalogue import load_catalogue
from pipelines.models.publish import publish, published_tables
from pipelines.shipped import shipped
from tests import preloaded

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
NOTHING = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "TRAINYARD_CACHE": str(Path(tempfile.gettempdir()) / f"trainyard-tests-{os.getuid()}"),
}
FOREIGN = ("AWS_", "TRAINYARD_", "DAGSTER_")
QUICKLY = {"TRAINYARD_CALLS_PER_SECOND": "1000"}  # the simulator is nobody else's


def forget_settings(monkeypatch):
    """Leave in this process's environment nothing of the surrounding settings."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)


def only_the_simulator(monkeypatch, **environment):
    """Leave in this process's environment no settings but those of a simulator's client."""
    forget_settings(monkeypatch)
    for name, value in {**CREDENTIALS, **QUICKLY, **NOTHING, "AWS_REGION": "us-east-1", **environment}.items():
        monkeypatch.setenv(name, value)


def no_settings():
    """This process's environment with nothing of the surrounding settings, for a process of a simulator's client."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | NOTHING | QUICKLY


def trainyard(*arguments, home, check=True, timeout=300, models=None, **environment):
    """Run the command with nothing of the surrounding settings; ``models``: a folder of few models, in place of all."""
    surroundings = no_settings() | {"TRAINYARD_HOME": str(home)} | environment
    ended = preloaded.run(arguments, surroundings, home.parent, models, timeout)
    if check:
        ended.check_returncode()
    return ended


class Tables(Mapping):
    """The rows of each table as dicts, read once they are asked for; ``selects`` of a database give them."""

    def __init__(self, selects, database=":memory:"):
        self._selects, self._database, self._read = selects, str(database), {}

    def __getitem__(self, name):
        if name not in self._read:
            with duckdb.connect(self._database, read_only=self._database != ":memory:") as connection:
                self._read[name] = rows(connection, self._selects[name])
        return self._read[name]

    def __iter__(self):
        return iter(self._selects)

    def __len__(self):
        return len(self._selects)


def build_directly(home, time_zone="UTC"):
    """Load and build without Dagster, whose events are most of a small build; return the marts, not published."""
    with _built(home, time_zone) as build:
        return Tables({table.name: build.select(table.qualified_name) for table in _catalogue().marts})


def publish_directly(home, time_zone="UTC"):
    """The same, published, and so what is in the file."""
    with _built(home, time_zone) as build:
        publish(build, published_tables(_catalogue()), home.warehouse)
    marts = {table.name: f"select * from {table.qualified_name}" for table in _catalogue().marts}
    return Tables(marts, home.warehouse)


@contextmanager
def _built(home, time_zone):
    load(home)
    build_id = f"{len(list(home.builds.glob('*-directly'))):03}-directly"
    with closing(begin_build(home, read_manifest(home.lake), build_id, dt.datetime.now(dt.UTC), time_zone)) as build:
        for bound in _catalogue().models:
            build.run(bound)
            assert not [(bound.name, result) for result in build.check(bound) if result.violations]
        yield build


@cache
def _catalogue():
    return load_catalogue(shipped("sql"))


def published(warehouse, schema="marts"):
    """Every table's rows of a schema, as dicts."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        query = "select table_name from duckdb_tables() where schema_name = $1"
        names = connection.execute(query, [schema]).fetchall()
        return {name: rows(connection, f'select * from {schema}."{name}"') for (name,) in names}


def lake(home):
    """Every table's rows of the lake, as dicts."""
    manifest = read_manifest(home.lake)
    with duckdb.connect() as connection:
        return {
            table.name: rows(connection, select_table(table.table, manifest.paths(home.lake, table.name)))
            for table in lake_tables()
        }


def rows(connection, sql):
    """The rows of a query as dicts."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
