"""Nested documents as the rows of every table, in Arrow's memory: hardly a value is copied on the way.

Here: reading the columns that ``layout`` declares out of nested arrays. Pure. Not here: how documents become arrays
(``documents``), or where the rows are kept (``lake``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.flatten.layout import KEY_COLUMNS, LakeTable, lake_tables, main_table
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure

Columns = dict[str, Any]
Way = tuple[str, ...]

ARROW_TYPES: dict[str, Any] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP": pa.timestamp("us"),
}


def unnested(documents: pa.Table) -> Iterator[tuple[LakeTable, pa.Table]]:
    """Each table that has rows, and these, in the order of the documents: those of ``documents.read_rows``.

    The keys, which repeat from row to row, are dictionaries.
    """
    whole = {name: _as_one(documents[name]) for name in documents.column_names}
    main = main_table()
    keys: Columns = {column.name: whole[column.name].dictionary_encode() for column in KEY_COLUMNS}
    own: Columns = {column.name: whole[column.name] for column in main.own_keys}
    yield from _tables(main, keys, own, whole["document"])


def _tables(table: LakeTable, keys: Columns, own: Columns, items: Any) -> Iterator[tuple[LakeTable, pa.Table]]:
    """The rows of a table, one for each of ``items``, and of those below it."""
    assert table.node, f"lake.{table.name} has no rows"
    columns = keys | own
    values = dict(_values(items, table.node, ()))
    lists = {}
    for member in table.members:
        column = member.column
        if column.node is None:
            columns[column.name] = pa.nulls(len(items), ARROW_TYPES[column.type])
            continue
        value = values[member.way]
        if isinstance(column.node, ListOf | MapOf):
            value = _as_lists(value)
            if pc.sum(pc.list_value_length(value)).as_py():
                lists[column.name] = value
        columns[column.name] = _cells(value, column.node)
    yield table, pa.table({column.name: columns[column.name] for column in table.columns})
    for name, value in lists.items():
        below = _counted()[table.name, name]
        yield from _tables(below, *_entries(below, keys, own if table.counted_in else {}, value))


@cache
def _counted() -> dict[tuple[str, str], LakeTable]:
    """The table whose rows a column counts, by that column's table and name."""
    return {table.counted_in: table for table in lake_tables() if table.counted_in}


def _values(value: Any, node: Node, way: Way) -> Iterator[tuple[Way, Any]]:
    """The value, and those of all members below it, by the way to each."""
    yield way, value
    if isinstance(node, Structure):
        for (name, below), member in zip(node.members.items(), value.flatten(), strict=True):
            yield from _values(member, below, (*way, name))


def _instants(seconds: Any) -> Any:
    """Epoch seconds as timestamps. Rounded first: 1700000000.123 has no exact double, its microseconds have."""
    return pc.round(pc.multiply(seconds, 1e6)).cast(pa.int64()).view(pa.timestamp("us"))


def _as_one(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _as_lists(value: Any) -> Any:
    """Maps are lists too: of entries ``key``, ``value``."""
    if pa.types.is_map(value.type):
        entry = pa.struct([pa.field("key", pa.string(), nullable=False), pa.field("value", value.type.item_type)])
        return value.cast(pa.list_(entry))
    return value


def _cells(value: Any, node: Node) -> Any:
    """What a column has of a member's values."""
    if isinstance(node, Structure):
        return pc.is_valid(value)
    if isinstance(node, Scalar):
        return _instants(value) if node.kind == "timestamp" else value
    return pc.list_value_length(value).cast(pa.int64())


def _entries(table: LakeTable, keys: Columns, above: Columns, lists: Any) -> tuple[Columns, Columns, Any]:
    """The rows of lists: keys of the row each is in, its own position, and what it is of."""
    parents = pc.list_parent_indices(lists)
    items = pc.list_flatten(lists)
    *carried, own = (column.name for column in table.own_keys)
    positions = {name: above[old].take(parents) for name, old in zip(carried, above, strict=True)}
    if own == "key":
        positions[own], items = pc.struct_field(items, "key"), pc.struct_field(items, "value")
    else:
        lengths = pc.coalesce(pc.list_value_length(lists), 0)
        starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
        positions[own] = pc.subtract(pa.arange(0, len(parents)), starts.take(parents))  # type: ignore[attr-defined]
    return {name: _taken(column, parents) for name, column in keys.items()}, positions, items


def _taken(column: Any, rows: Any) -> Any:
    """Rows of a dictionary array, with a dictionary of only what these have: a file holds the whole of it."""
    if len(column.dictionary) == 1:
        return column.take(rows)
    indices = column.indices.take(rows).dictionary_encode()
    return pa.DictionaryArray.from_arrays(indices.indices, column.dictionary.take(indices.dictionary))
