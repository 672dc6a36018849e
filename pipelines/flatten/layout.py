"""How the record is laid out in tables: one main table, and one for each list or map, named by its path.

Here: tables, columns, and the SQL that reads each from nested documents, all derived from ``record``. Not here: running
that SQL (``documents``), or where the rows are kept (``lake``).

Members of a structure are columns of its table (``ResourceConfig.InstanceType`` is ``resource_config_instance_type``).
So that the document can be rebuilt, a list or map leaves its length in ``<name>__count`` (null: absent, 0: empty) and a
structure its presence in ``<name>__present``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from botocore import xform_name

from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job
from pipelines.tables import Column, Table, quoted

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
        "Where it was received from: `<account>-<region>` of a harvested source, `import`, or `event`: an EventBridge"
        " event, which tells less than a record and which any record of the job replaces.",
    ),
    Column(
        "unmodelled_fields",
        "VARCHAR",
        "JSON object of members that the installed service model does not know, by path; null if none.",
    ),
)


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake and the query that reads its rows from the relation ``documents``.

    ``counted_in``: for a list or map, the table and the column whose sum is the number of its rows.
    """

    table: Table
    query: str
    counted_in: tuple[str, str] | None

    @property
    def name(self) -> str:
        """The table's name, without its schema."""
        return self.table.name


@cache
def lake_tables() -> tuple[LakeTable, ...]:
    """Every table of the record, the main one first."""
    return tuple(
        _tables(_Rows("training_jobs", "", training_job(), OBSERVATION_COLUMNS, "documents", "document", None))
    )


def main_table() -> LakeTable:
    """``lake.training_jobs``."""
    return lake_tables()[0]


def document_type() -> str:
    """The DuckDB type of a whole document, for ``read_json``: timestamps as DOUBLE epoch seconds."""
    return _json_type(training_job())


def _json_type(node: Node) -> str:
    if isinstance(node, Scalar):
        return "DOUBLE" if node.kind == "timestamp" else COLUMN_TYPES[node.kind]
    if isinstance(node, ListOf):
        return f"{_json_type(node.element)}[]"
    if isinstance(node, MapOf):
        return f"MAP(VARCHAR, {_json_type(node.value)})"
    return "STRUCT(" + ", ".join(f"{quoted(name)} {_json_type(member)}" for name, member in node.members.items()) + ")"


@dataclass(frozen=True)
class _Rows:
    """What a table is read from: ``relation`` has KEY_COLUMNS, ``own_keys`` and the ``node`` as column ``item``."""

    table: str
    path: str
    node: Scalar | Structure
    own_keys: tuple[Column, ...]
    relation: str
    item: str
    counted_in: tuple[str, str] | None


@dataclass(frozen=True)
class _Member:
    """A column of a table and how it is read; for a list or map, the collection that it counts."""

    column: Column
    expression: str
    collection: ListOf | MapOf | None = None
    name: str = ""
    path: str = ""
    value: str = ""


def _tables(rows: _Rows) -> Iterator[LakeTable]:
    """The table of these rows, and those below it."""
    keys = (*KEY_COLUMNS, *rows.own_keys)
    names = {column.name for column in keys}
    members = [m for m in _members(rows, rows.node, "", rows.path, rows.item, "") if m.column.name not in names]
    what = f"entry of {rows.path} of a training job" if rows.path else "training job: the newest version of its record"
    selected = [quoted(column.name) for column in keys]
    selected += [f"{member.expression} as {quoted(member.column.name)}" for member in members]
    yield LakeTable(
        Table("lake", rows.table, f"One row per {what}.", (*keys, *(member.column for member in members))),
        f"select {', '.join(selected)} from {rows.relation}",
        rows.counted_in,
    )
    for member in members:
        if member.collection:
            yield from _tables(_rows_below(rows, member, member.collection))


def _members(rows: _Rows, node: Node, name: str, path: str, value: str, text: str) -> Iterator[_Member]:
    """The columns of ``node``, which is ``value`` in SQL and whose columns' names begin with ``name``."""
    note = f"{text or 'The value.'} API: {path}."
    if isinstance(node, Scalar):
        # Rounded before the cast: 1700000000.123 has no exact double, its microseconds have.
        read = f"make_timestamp(round({value} * 1e6)::bigint)" if node.kind == "timestamp" else value
        yield _Member(Column(name or "value", COLUMN_TYPES[node.kind], note), read)
    elif isinstance(node, Structure):
        if name:
            column = Column(f"{name}__present", "BOOLEAN", f"Whether the record has {path}.")
            yield _Member(column, f"{value} is not null")
        for member, below in node.members.items():
            yield from _members(
                rows,
                below,
                f"{name}_{xform_name(member)}" if name else xform_name(member),
                f"{path}.{member}" if path else member,
                f"{value}.{quoted(member)}",
                node.documentation[member],
            )
    else:
        table = f"{rows.table}_{name}" if rows.path else name
        what, length = ("elements", "len") if isinstance(node, ListOf) else ("entries", "cardinality")
        comment = f"Number of {what} of {path} (rows in lake.{table}); 0 if empty, null if absent."
        column = Column(f"{name}__count", "BIGINT", comment)
        yield _Member(column, f"{length}({value})::bigint", node, table, path, value)


def _rows_below(rows: _Rows, member: _Member, collection: ListOf | MapOf) -> _Rows:
    """The rows of a list or map: keys of the row it is in, then its own position."""
    # A row's position gets its table's name where it is a key of the tables below.
    own = [column.name for column in rows.own_keys] if rows.path else []
    above = [*own[:-1], f"{rows.table}_index"] if own else []
    carried = ", ".join(
        [
            *(quoted(column.name) for column in KEY_COLUMNS),
            *(f"{quoted(name)} as {quoted(new)}" for name, new in zip(own, above, strict=True)),
        ]
    )
    keys = [
        Column(name, "BIGINT", f"`index` of the row of lake.{name.removesuffix('_index')} it is in.") for name in above
    ]
    if isinstance(collection, MapOf):
        keys.append(Column("key", "VARCHAR", f"Key of the entry in {member.path}."))
        relation = (
            f'(select * exclude (entry), entry.key as "key", entry.value as item from '
            f"(select {carried}, unnest(map_entries({member.value})) as entry from {rows.relation}))"
        )
        path = member.path
    else:
        keys.append(Column("index", "BIGINT", f"Position in {member.path}, from 0."))
        relation = (
            f'(select {carried}, generate_subscripts({member.value}, 1) - 1 as "index", '
            f"unnest({member.value}) as item from {rows.relation})"
        )
        path = f"{member.path}[]"
    node = collection.value if isinstance(collection, MapOf) else collection.element
    return _Rows(member.name, path, node, tuple(keys), relation, "item", (rows.table, member.column.name))
