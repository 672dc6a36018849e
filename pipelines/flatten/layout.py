"""How the record is laid out in tables: one main table, and one for each list or map, named by its path.

Here: tables, columns, and the member that each is read from, all derived from ``record``. Not here: reading them
(``unnest``), or where the rows are kept (``lake``).

Members of a structure are columns of its table (``ResourceConfig.InstanceType`` is ``resource_config_instance_type``).
So that the document can be rebuilt, a list or map leaves its length in ``<name>__count`` (null: absent, 0: empty) and a
structure its presence in ``<name>__present``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore import xform_name

from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job
from pipelines.tables import Column, Table

COLUMN_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "number": "DOUBLE",
    "timestamp": "TIMESTAMP",
}

# Found in every table: whose row it is, and its partition. As text, for account ids begin with 0.
KEY_COLUMNS = (
    Column("account_id", "VARCHAR", "AWS account of the job: 12 digits, from its ARN."),
    Column("region", "VARCHAR", "AWS region of the job, from its ARN."),
    Column("month", "VARCHAR", "Month (UTC, `YYYY-MM`) of the job's CreationTime: the partition its rows are in."),
    Column("training_job_arn", "VARCHAR", "ARN of the training job; API: TrainingJobArn."),
)
# Found in the main table alone: how the row came here.
OBSERVATION_COLUMNS = (
    Column("observed_at", "TIMESTAMP", "Instant (UTC) at which this version of the record was received."),
    Column(
        "source",
        "VARCHAR",
        "Where it was received from: `<account>-<region>` of a harvested source, or `import`.",
    ),
    Column(
        "unmodelled_fields",
        "VARCHAR",
        "JSON object of members that the installed service model does not know, by path; null if none.",
    ),
)


@dataclass(frozen=True)
class Member:
    """A column and where it is read from: the names of members on the way there from what the row is of.

    Of a scalar it has the value, of a structure whether it is present, of a list or map the length.
    """

    column: Column
    way: tuple[str, ...]
    node: Node
    path: str


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake: its columns are KEY_COLUMNS, ``own_keys`` and those of ``members``.

    ``node``: what a row is of. ``own_keys``: in the main table OBSERVATION_COLUMNS; else positions of the rows above,
    then the row's own ``index`` or ``key``. ``counted_in``: for a list or map, the table and column whose sum is the
    number of its rows.
    """

    table: Table
    node: Scalar | Structure
    own_keys: tuple[Column, ...]
    members: tuple[Member, ...]
    counted_in: tuple[str, str] | None

    @property
    def name(self) -> str:
        """The table's name, without its schema."""
        return self.table.name


@cache
def lake_tables() -> tuple[LakeTable, ...]:
    """Every table of the record, the main one first, and each after the one that counts it."""
    return tuple(_tables(_Rows("training_jobs", "", training_job(), OBSERVATION_COLUMNS, None)))


def main_table() -> LakeTable:
    """``lake.training_jobs``."""
    return lake_tables()[0]


def document_structure() -> str:
    """A whole document as DuckDB's ``from_json`` wants it described: timestamps are DOUBLE epoch seconds."""
    return json.dumps(_json_structure(training_job()))


def _json_structure(node: Node) -> Any:
    if isinstance(node, Scalar):
        return "DOUBLE" if node.kind == "timestamp" else COLUMN_TYPES[node.kind]
    if isinstance(node, ListOf):
        return [_json_structure(node.element)]
    if isinstance(node, MapOf):
        return f"MAP(VARCHAR, {_json_structure(node.value)})"
    return {name: _json_structure(member) for name, member in node.members.items()}


@dataclass(frozen=True)
class _Rows:
    """What a table is of: a ``node`` for each row, at ``path`` of the record."""

    table: str
    path: str
    node: Scalar | Structure
    own_keys: tuple[Column, ...]
    counted_in: tuple[str, str] | None


def _tables(rows: _Rows) -> Iterator[LakeTable]:
    """The table of these rows, and those below it."""
    keys = (*KEY_COLUMNS, *rows.own_keys)
    names = {column.name for column in keys}
    members = tuple(m for m in _members(rows, rows.node, "", rows.path, (), "") if m.column.name not in names)
    what = f"entry of {rows.path} of a training job" if rows.path else "training job: the newest version of its record"
    columns = (*keys, *(member.column for member in members))
    table = Table("lake", rows.table, f"One row per {what}.", columns)
    yield LakeTable(table, rows.node, rows.own_keys, members, rows.counted_in)
    for member in members:
        if isinstance(member.node, ListOf | MapOf):
            yield from _tables(_rows_below(rows, member, member.node))


def _members(rows: _Rows, node: Node, name: str, path: str, way: tuple[str, ...], text: str) -> Iterator[Member]:
    """The columns of ``node``, whose names begin with ``name``."""
    note = f"{text or 'The value.'} API: {path}."
    if isinstance(node, Scalar):
        yield Member(Column(name or "value", COLUMN_TYPES[node.kind], note), way, node, path)
    elif isinstance(node, Structure):
        if name:
            yield Member(Column(f"{name}__present", "BOOLEAN", f"Whether the record has {path}."), way, node, path)
        for member, below in node.members.items():
            yield from _members(
                rows,
                below,
                f"{name}_{xform_name(member)}" if name else xform_name(member),
                f"{path}.{member}" if path else member,
                (*way, member),
                node.documentation[member],
            )
    else:
        what = "elements" if isinstance(node, ListOf) else "entries"
        comment = f"Number of {what} of {path} (rows in lake.{_table_of(rows, name)}); 0 if empty, null if absent."
        yield Member(Column(f"{name}__count", "BIGINT", comment), way, node, path)


def _table_of(rows: _Rows, name: str) -> str:
    """The name of the table of a list or map whose columns' names would begin with ``name``."""
    return f"{rows.table}_{name}" if rows.path else name


def _rows_below(rows: _Rows, member: Member, collection: ListOf | MapOf) -> _Rows:
    """The rows of a list or map: keys of the row it is in, then its own position."""
    # A row's position gets its table's name where it is a key of the tables below.
    own = [column.name for column in rows.own_keys] if rows.path else []
    above = [*own[:-1], f"{rows.table}_index"] if own else []
    keys = [
        Column(name, "BIGINT", f"`index` of the row of lake.{name.removesuffix('_index')} it is in.") for name in above
    ]
    node: Scalar | Structure
    if isinstance(collection, MapOf):
        keys.append(Column("key", "VARCHAR", f"Key of the entry in {member.path}."))
        path, node = member.path, collection.value
    else:
        keys.append(Column("index", "BIGINT", f"Position in {member.path}, from 0."))
        path, node = f"{member.path}[]", collection.element
    table = _table_of(rows, member.column.name.removesuffix("__count"))
    return _Rows(table, path, node, tuple(keys), (rows.table, member.column.name))
