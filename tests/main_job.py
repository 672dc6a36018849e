"""Running the main job in tests as users do: the command in a process of its own, against a simulated SageMaker."""

import datetime as dt
import os
import tempfile
from contextlib import closing
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


def build_directly(home, time_zone="UTC"):
    """Load, build and publish without Dagster, whose events are most of a small build; return the marts."""
    load(home)
    catalogue = load_catalogue(shipped("sql"))
    build_id = f"{len(list(home.builds.glob('*-directly'))):03}-directly"
    with closing(begin_build(home, read_manifest(home.lake), build_id, dt.datetime.now(dt.UTC), time_zone)) as build:
        for bound in catalogue.models:
            build.run(bound)
            assert not [(bound.name, result) for result in build.check(bound) if result.violations]
        publish(build, published_tables(catalogue), home.warehouse)
    return published(home.warehouse)


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
