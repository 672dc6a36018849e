"""All models together: what each reads, in which order they are run, and that every one of them is right.

Here: binding. Each model is bound against empty tables of the relations before it, so that its columns and types are
known and a mistake is found at load, with file and line. Not here: parsing a file (``model``), or running (``build``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb

from pipelines.cloudwatch.tables import METRIC_TABLES
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import lake_tables
from pipelines.lake.deleted import DELETED
from pipelines.lake.sources import SOURCES
from pipelines.models.context import CONTEXT
from pipelines.models.failure_rules import FAILURE_RULE_MATCHES
from pipelines.models.functions import define_functions
from pipelines.models.job_looks import JOB_LOOKS
from pipelines.models.model import Model, read_model
from pipelines.models.reference import REFERENCE_TABLES
from pipelines.tables import Column, Table

MODEL_SCHEMAS = ("staging", "marts")


@dataclass(frozen=True)
class BoundModel:
    """A model whose columns are known."""

    model: Model
    table: Table

    @property
    def name(self) -> str:
        """``schema.name``."""
        return self.table.qualified_name


@dataclass(frozen=True)
class Catalogue:
    """Every model, in an order in which each comes after all it reads; and the tables that are no models."""

    models: tuple[BoundModel, ...]
    inputs: tuple[Table, ...]

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """All tables by qualified name."""
        return {table.qualified_name: table for table in (*self.inputs, *(bound.table for bound in self.models))}

    @property
    def marts(self) -> list[Table]:
        """The tables of the models that are published."""
        return [bound.table for bound in self.models if bound.table.schema == "marts"]


def partitioned_tables() -> tuple[Table, ...]:
    """The tables whose files a manifest lists: those of the record, and of what CloudWatch measured."""
    return (*(table.table for table in lake_tables()), *METRIC_TABLES)


def input_tables() -> tuple[Table, ...]:
    """The tables that models may read besides other models: the lake's, reference data, the build's context."""
    reference = (reference.table for reference in REFERENCE_TABLES)
    return (*partitioned_tables(), SOURCES, DELETED, *reference, CONTEXT, FAILURE_RULE_MATCHES, JOB_LOOKS)


def load_catalogue(folder: Path, inputs: tuple[Table, ...] | None = None) -> Catalogue:
    """Read and bind every model below ``folder``; raises TrainyardError naming file and line."""
    inputs = input_tables() if inputs is None else inputs
    # Of a database in memory, the making takes longer than most of what is asked of it.
    with duckdb.connect() as connection:
        return _load(connection, folder, inputs)


def _load(connection: duckdb.DuckDBPyConnection, folder: Path, inputs: tuple[Table, ...]) -> Catalogue:
    paths = [path for path in sorted(folder.glob("*/*.sql")) if path.parent.name in MODEL_SCHEMAS]
    models = {model.qualified_name: model for model in (read_model(connection, path) for path in paths)}
    known = {table.qualified_name: table for table in inputs}
    for model in models.values():
        for relation in sorted(model.dependencies - models.keys() - known.keys()):
            raise model.wrong(f"there is no relation {relation}", _line_of(model, relation))
        for relation in sorted(model.dependencies & models.keys()) if model.is_incremental else ():
            if not models[relation].is_incremental:
                reason = f"it is incremental, but {relation}, which it reads, is not: any change would reach all parts"
                raise model.wrong(reason, _line_of(model, relation))
    try:
        order = list(
            TopologicalSorter(
                {name: model.dependencies & models.keys() for name, model in models.items()}
            ).static_order()
        )
    except CycleError as error:
        raise models[error.args[1][0]].wrong(
            f"models read each other in a circle: {' -> '.join(error.args[1])}"
        ) from None
    bound = []
    define_functions(connection)
    for table in inputs:
        _create(connection, table)
    for name in order:
        model = models[name]
        for relation in sorted(model.dependencies & models.keys()) if model.is_by_month else ():
            has_months = ("month", "DATE") in {(column.name, column.type) for column in known[relation].columns}
            if not models[relation].is_by_month and not has_months:
                reason = f"it is incremental by month, but {relation}, which it reads, has no DATE `month`"
                raise model.wrong(reason, _line_of(model, relation))
        table = _bound(connection, model, known)
        known[name] = table
        bound.append(BoundModel(model, table))
    return Catalogue(tuple(bound), inputs)


def _create(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(f"create schema if not exists {table.schema}")
    connection.execute(f"create table {table.qualified_name} ({table.column_definitions()})")


def _bound(connection: duckdb.DuckDBPyConnection, model: Model, known: Mapping[str, Table]) -> Table:
    """The model's table, which is left in the connection, empty; its checks are bound too."""
    try:
        # In brackets, as a build runs it: what is more than one SELECT, or ends with a semicolon, does not fit there.
        described = connection.execute(f"describe ({model.sql}\n)").fetchall()
    except duckdb.Error as error:
        raise _mistake(model, error) from None
    names = [row[0] for row in described]
    if names != [item.name for item in model.items]:
        raise model.wrong(
            f"its columns are {names}, but read as {[item.name for item in model.items]}: name each with `as`"
        )
    inherited = {
        column.name: column.comment for relation in sorted(model.dependencies) for column in known[relation].columns
    }
    columns: list[Column] = []
    for item, row in zip(model.items, described, strict=True):
        comment = item.comment or inherited.get(item.name)
        if not comment:
            raise model.wrong(f"column {item.name} has no sentence: write `-- …` at the end of its line", item.line)
        if item.name in (column.name for column in columns):
            raise model.wrong(f"there are two columns {item.name}", item.line)
        columns.append(Column(item.name, row[1], comment))
    table = Table(model.schema, model.name, model.grain, tuple(columns), model.key)
    _create(connection, table)
    for check in model.checks:
        try:
            connection.execute(check.violations)
        except duckdb.Error as error:
            raise model.wrong(f"check {check.name}: {error}", _line_of(model, check.name)) from None
    return table


def _mistake(model: Model, error: duckdb.Error) -> TrainyardError:
    text = str(error)
    line = re.search(r"LINE (\d+):", text)
    return model.wrong(text.split("LINE")[0], int(line[1]) if line else 1)


def _line_of(model: Model, text: str) -> int:
    return model.sql[: max(model.sql.find(text), 0)].count("\n") + 1
