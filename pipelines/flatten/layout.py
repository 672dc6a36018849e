"""How the record is laid out in tables: one main table, and one for each list or map, named by its path.

Here: tables, columns, and the member that each is read from, all derived from ``record``. Not here: reading them
(``unnest``), or where the rows are kept (``lake``).

Members of a structure are columns of its table (``ResourceConfig.InstanceType`` is ``resource_config_instance_type``).
So that the document can be rebuilt, a list or map leaves its length in ``<name>__count`` (null: absent, 0: empty) and a
structure its presence in ``<name>__present``.

Columns are only ever added: one that ``schema`` promises and the installed service model does not give is null, and
what is new comes after what is promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from botocore import xform_name

from pipelines.flatten.meanings import meaning_of, meanings
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job
from pipelines.flatten.schema import Promised, promised_columns
from pipelines.tables import Column, Table

COLUMN_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "number": "DOUBLE",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True)
class LakeColumn(Column):
    """A column of the lake; if it tells of a member of the record, its API path and what it is in the service model.

    ``node`` is None if the installed service model does not know it.
    """

    path: str = ""
    node: Node | None = None


# Found in every table: whose row it is, and its partition. As text, for account ids begin with 0.
KEY_COLUMNS = (
    LakeColumn("account_id", "VARCHAR", "AWS account of the job: 12 digits, from its ARN."),
    LakeColumn("region", "VARCHAR", "AWS region of the job, from its ARN."),
    LakeColumn("month", "VARCHAR", "Month (UTC, `YYYY-MM`) of the job's CreationTime: the partition its rows are in."),
    LakeColumn("training_job_arn", "VARCHAR", meanings()["TrainingJobArn"], "TrainingJobArn"),
)
# Found in the main table alone: how the row came here.
OBSERVATION_COLUMNS = (
    LakeColumn("observed_at", "TIMESTAMP", "Instant (UTC) at which this version of the record was received."),
    LakeColumn(
        "source",
        "VARCHAR",
        "Where it was received from: `<account>-<region>` of a harvested source, `import`, or `event`: an EventBridge"
        " event, which tells less than a record and which any record of the job replaces.",
    ),
    LakeColumn(
        "unmodelled_fields",
        "VARCHAR",
        "JSON object of members that the installed service model does not know, by path; null if none.",
    ),
)


@dataclass(frozen=True)
class Member:
    """A column and where it is read from: the names of members on the way there from what the row is of.

    Of a scalar it has the value, of a structure whether it is present, of a list or map the length; and of what the
    installed service model does not know, whose column has no ``node``, null.
    """

    column: LakeColumn
    way: tuple[str, ...] = ()


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake: its columns are KEY_COLUMNS, ``own_keys`` and those of ``members``.

    ``node``: what a row is of; None if the installed service model does not know it, and there are no rows.
    ``own_keys``: in the main table OBSERVATION_COLUMNS; else positions of the rows above, then the row's own ``index``
    or ``key``. ``counted_in``: for a list or map, the table and column whose sum is the number of its rows.
    """

    name: str
    comment: str
    columns: tuple[LakeColumn, ...]
    node: Scalar | Structure | None
    own_keys: tuple[LakeColumn, ...]
    members: tuple[Member, ...]
    counted_in: tuple[str, str] | None

    @cached_property
    def table(self) -> Table:
        """Its declaration: each column's comment ends with the API path."""
        columns = (
            Column(column.name, column.type, f"{column.comment} API: {column.path}." if column.path else column.comment)
            for column in self.columns
        )
        positions = self.own_keys if self.counted_in else ()
        # What the installed service model does not know does not tell its positions.
        key = tuple(column.name for column in (*KEY_COLUMNS, *positions)) if self.node else ()
        return Table("lake", self.name, self.comment, tuple(columns), key)


@cache
def lake_tables() -> tuple[LakeTable, ...]:
    """Every table of the record, the main one first."""
    record = _Rows("training_jobs", "", training_job(), "", OBSERVATION_COLUMNS, None)
    derived = list(_tables(record, _Names()))
    tables = [*derived, *_tables_kept({table.name for table in derived})]
    place = {name: number for number, name in enumerate(dict.fromkeys(column.table for column in promised_columns()))}
    return tuple(sorted(tables, key=lambda table: place.get(table.name, len(place))))


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
    meaning: str
    own_keys: tuple[LakeColumn, ...]
    counted_in: tuple[str, str] | None


@dataclass
class _Names:
    """Gives each table and each column a name of its own: the plain one, or if that is taken, the plain one and `_`.

    A column's name is taken too if the schema promises it for another member, or of another type.
    """

    taken: set[tuple[str, str]] = field(default_factory=lambda: {("", "sources")})
    promised: dict[tuple[str, str], Promised] = field(
        default_factory=lambda: {(column.table, column.name): column for column in promised_columns()}
    )

    def table(self, name: str) -> str:
        """A name for a table."""
        while ("", name) in self.taken:
            name += "_"
        self.taken.add(("", name))
        return name

    def column(self, table: str, name: str, ending: str, column_type: str, path: str) -> str:
        """A name for a column of a table, without its ending."""
        while True:
            own = Promised(table, name + ending, column_type, path)
            if (table, own.name) not in self.taken and self.promised.get((table, own.name), own) == own:
                self.taken.add((table, own.name))
                return name
            name += "_"


def _tables(rows: _Rows, names: _Names) -> Iterator[LakeTable]:
    """The table of these rows, and those below it."""
    known = training_job().members
    keys = (*(replace(key, node=known.get(key.path)) for key in KEY_COLUMNS), *rows.own_keys)
    for key in keys:
        names.column(rows.table, key.name, "", key.type, key.path)
    derived = list(_members(rows, names, rows.node, "", rows.path, (), rows.meaning))
    given = [*keys, *(member.column for member, _ in derived)]
    members = [*(member for member, _ in derived), *_members_kept(rows.table, {column.name for column in given})]
    # A member that appears amid others does not move them.
    promised = (column.name for column in promised_columns() if column.table == rows.table)
    place = {name: number for number, name in enumerate(promised)}
    members.sort(key=lambda member: place.get(member.column.name, len(place)))
    comment = (
        f"One row per {'entry' if rows.path.endswith('}') else 'element'} of {rows.path[:-2]} of a training job."
        f" {rows.meaning}"
        if rows.path
        else "One row per training job: the newest version of its record."
    )
    columns = (*keys, *(member.column for member in members))
    yield LakeTable(rows.table, comment, columns, rows.node, rows.own_keys, tuple(members), rows.counted_in)
    for _, below in derived:
        if below:
            yield from _tables(below, names)


def _members(
    rows: _Rows, names: _Names, node: Node, name: str, path: str, way: tuple[str, ...], meaning: str
) -> Iterator[tuple[Member, _Rows | None]]:
    """The columns of ``node``, whose names begin with ``name``; with that of a list or map, the rows below it."""
    if isinstance(node, Scalar):
        column_type = COLUMN_TYPES[node.kind]
        comment = meaning if name else "The entry's value." if path.endswith("}") else "The element."
        name = names.column(rows.table, name or "value", "", column_type, path)
        yield Member(LakeColumn(name, column_type, comment, path, node), way), None
    elif isinstance(node, Structure):
        if name:
            present = names.column(rows.table, name, "__present", "BOOLEAN", path)
            comment = f"Whether the record has this structure. {meaning}"
            yield Member(LakeColumn(f"{present}__present", "BOOLEAN", comment, path, node), way), None
        for member, below in node.members.items():
            if not rows.path and f"{path}{member}" == "TrainingJobArn":
                continue  # a key
            yield from _members(
                rows,
                names,
                below,
                f"{name}_{xform_name(member)}" if name else xform_name(member),
                f"{path}.{member}" if path else member,
                (*way, member),
                node.meanings[member],
            )
    else:
        name = names.column(rows.table, name, "__count", "BIGINT", path)
        table = names.table(f"{rows.table}_{name}" if rows.path else name)
        what = "elements" if isinstance(node, ListOf) else "entries"
        comment = f"Number of {what} (rows in lake.{table}); 0 if empty, null if absent."
        counting = LakeColumn(f"{name}__count", "BIGINT", comment, path, node)
        yield Member(counting, way), _rows_below(rows, node, table, path, meaning, counting.name)


def _rows_below(rows: _Rows, node: ListOf | MapOf, table: str, path: str, meaning: str, counted_in: str) -> _Rows:
    """The rows of a list or map: keys of the row it is in, then its own position."""
    # A row's position gets its table's name where it is a key of the tables below.
    own = [column.name for column in rows.own_keys] if rows.path else []
    above = [*own[:-1], f"{rows.table}_index"] if own else []
    keys = [
        LakeColumn(name, "BIGINT", f"`index` of the row of lake.{name.removesuffix('_index')} it is in.")
        for name in above
    ]
    item: Scalar | Structure
    if isinstance(node, MapOf):
        path, item = f"{path}{{}}", node.value
        keys.append(LakeColumn("key", "VARCHAR", "The entry's key.", path, node.key))
    else:
        path, item = f"{path}[]", node.element
        keys.append(LakeColumn("index", "BIGINT", "Position in the list, from 0.", path))
    return _Rows(table, path, item, meaning, tuple(keys), (rows.table, counted_in))


def _members_kept(table: str, given: set[str]) -> Iterator[Member]:
    """The columns that the schema promises of a table and the installed service model does not give."""
    known = {column.name: column for column in KEY_COLUMNS}
    for column in promised_columns():
        if column.table == table and column.name not in given:
            told = known[column.name].comment if column.name in known else meaning_of(column.path) or ""
            comment = f"{told} Null: the installed service model does not know it.".lstrip()
            yield Member(LakeColumn(column.name, column.type, comment, column.path))


def _tables_kept(given: set[str]) -> Iterator[LakeTable]:
    """The tables that the schema promises and the installed service model does not give: they have no rows."""
    for table in dict.fromkeys(column.table for column in promised_columns()):
        if table not in given:
            members = tuple(_members_kept(table, set()))
            comment = "No rows: the installed service model does not know this list or map."
            yield LakeTable(table, comment, tuple(member.column for member in members), None, (), members, None)
