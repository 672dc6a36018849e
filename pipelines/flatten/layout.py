"""How the record is laid out in tables: one main table, and one for each list or map, named by its path.

Here: tables, columns, and the SQL that reads each from nested documents, all derived from ``record``. Not here: running
that SQL (``documents``), or where the rows are kept (``lake``).

Members of a structure are columns of its table (``ResourceConfig.InstanceType`` is ``resource_config_instance_type``).
So that the document can be rebuilt, a list or map leaves its length in ``<name>__count`` (null: absent, 0: empty) and a
structure its presence in ``<name>__present``.
"""

from __future__ import annotations

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

# Found in every table: whose row it is. As text, for account ids begin with 0.
KEY_COLUMNS = (
    Column("account_id", "VARCHAR", "AWS account of the job: 12 digits, from its ARN."),
    Column("region", "VARCHAR", "AWS region of the job, from its ARN."),
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
class LakeTable:
    """A table of the lake and the query that reads its rows from the relation ``documents``."""

    table: Table
    query: str

    @property
    def name(self) -> str:
        """The table's name, without its schema."""
        return self.table.name


@cache
def lake_tables() -> tuple[LakeTable, ...]:
    """Every table of the record, the main one first."""
    return tuple(_tables_below(training_job(), "training_jobs", "", "", "", "documents", ("document",)))


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


def _value(expression: str, node: Scalar) -> str:
    # Rounded before the cast: 1700000000.123 has no exact double, its microseconds have.
    return f"make_timestamp(round({expression} * 1e6)::bigint)" if node.kind == "timestamp" else expression


def _tables_below(
    node: Node, name: str, path: str, parent_keys: str, key: str, rows: str, value: tuple[str, ...]
) -> list[LakeTable]:
    """The table whose rows hold ``node``, and the tables below it.

    ``rows`` is a relation (a query in brackets) with the key columns, ``parent_keys`` (comma-separated, quoted), the
    row's own ``key`` and the node as column ``value``.
    """
    columns: list[Column] = []
    expressions: list[str] = []
    below: list[tuple[str, Node, str, str]] = []  # name, node, path, expression

    def add(column: str, node: Node, path: str, expression: str, text: str) -> None:
        note = f"{text} API: {path}." if text else f"API: {path}."
        if isinstance(node, Scalar):
            columns.append(Column(column, COLUMN_TYPES[node.kind], note))
            expressions.append(_value(expression, node))
        elif isinstance(node, Structure):
            if expression != value[0]:
                columns.append(Column(f"{column}__present", "BOOLEAN", f"Whether the record has {path}."))
                expressions.append(f"{expression} is not null")
            for member_name, member in node.members.items():
                snake = xform_name(member_name)
                add(
                    f"{column}_{snake}" if column else snake,
                    member,
                    f"{path}.{member_name}" if path else member_name,
                    f"{expression}.{quoted(member_name)}",
                    node.documentation[member_name],
                )
        else:
            what = "entries of the map" if isinstance(node, MapOf) else "elements of the list"
            child = f"{name}_{column}" if path_is_nested else column
            columns.append(
                Column(
                    f"{column}__count",
                    "BIGINT",
                    f"Number of {what} {path} (rows in lake.{child}); 0 if empty, null if absent.",
                )
            )
            count = f"cardinality({expression})" if isinstance(node, MapOf) else f"len({expression})"
            expressions.append(f"{count}::bigint")
            below.append((child, node, path, expression))

    path_is_nested = bool(path)
    if isinstance(node, Scalar):
        columns.append(Column("value", COLUMN_TYPES[node.kind], f"The value. API: {path}."))
        expressions.append(_value(value[0], node))
    else:
        add("", node, path, value[0], "")

    own_keys = ", ".join(part for part in (parent_keys, key) if part)
    keys = ", ".join(quoted(column.name) for column in KEY_COLUMNS)
    if path:
        key_columns = (*KEY_COLUMNS, *_position_columns(own_keys, path))
        extra = (f"{keys}, {own_keys}",)
        lead: tuple[Column, ...] = key_columns
        comment = f"One row per entry of {path} of a training job."
    else:
        lead = (*KEY_COLUMNS, *OBSERVATION_COLUMNS)
        extra = (f"{keys}, " + ", ".join(quoted(column.name) for column in OBSERVATION_COLUMNS),)
        comment = "One row per training job: the newest version of its record."
    lead_names = {column.name for column in lead}
    kept = [(c, e) for c, e in zip(columns, expressions, strict=True) if c.name not in lead_names]
    select = ", ".join((*extra, *(f"{e} as {quoted(c.name)}" for c, e in kept)))
    tables = [
        LakeTable(
            Table("lake", name, comment, (*lead, *(c for c, _ in kept))),
            f"select {select} from {rows}",
        )
    ]
    for child, child_node, child_path, expression in below:
        # A row's own key gets its table's name when it becomes a key of the tables below.
        passed_keys = f"{parent_keys}{', ' if parent_keys else ''}{quoted(name + '_index')}" if key else ""
        renamed = f'{parent_keys}{", " if parent_keys else ""}"index" as {quoted(name + "_index")}' if key else ""
        carried = ", ".join(part for part in (keys, renamed) if part)
        if isinstance(child_node, MapOf):
            child_rows = (
                f'(select * exclude (entry), entry.key as "key", entry.value as item from '
                f"(select {carried}, unnest(map_entries({expression})) as entry from {rows}))"
            )
            tables += _tables_below(child_node.value, child, child_path, passed_keys, '"key"', child_rows, ("item",))
        else:
            assert isinstance(child_node, ListOf)
            child_rows = (
                f'(select {carried}, generate_subscripts({expression}, 1) - 1 as "index", '
                f"unnest({expression}) as item from {rows})"
            )
            tables += _tables_below(
                child_node.element, child, f"{child_path}[]", passed_keys, '"index"', child_rows, ("item",)
            )
    return tables


def _position_columns(own_keys: str, path: str) -> list[Column]:
    columns = []
    for quoted_name in own_keys.split(", "):
        name = quoted_name.strip('"')
        if name == "key":
            columns.append(Column("key", "VARCHAR", f"Key of the entry in {path}."))
        elif name == "index":
            columns.append(Column("index", "BIGINT", f"Position in {path.removesuffix('[]')}, from 0."))
        else:
            columns.append(
                Column(name, "BIGINT", f"`index` of the row of lake.{name.removesuffix('_index')} it is in.")
            )
    return columns
