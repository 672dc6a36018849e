"""Nested documents as the rows of every table, in Arrow's memory: hardly a value is copied on the way.

Here: reading the columns that ``layout`` declares out of nested arrays. Pure. Not here: how documents become arrays
(``documents``), or where the rows are kept (``lake``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.flatten.layout import KEY_COLUMNS, LakeTable, Member, lake_tables
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure

Columns = dict[str, Any]
Way = tuple[str, ...]


def unnested(documents: pa.Table) -> Iterator[tuple[LakeTable, pa.Table]]:
    """Each table that has rows, and these, in the order of the documents: those of ``documents.read_rows``.

    The keys, which repeat from row to row, are dictionaries.
    """
    whole = {name: _as_one(documents[name]) for name in documents.column_names}
    keys: Columns = {column.name: whole[column.name].dictionary_encode() for column in KEY_COLUMNS}
    own: Columns
    lists: dict[tuple[str, str], tuple[Columns, Columns, Any]] = {}
    for table in lake_tables():
        if table.counted_in is None:
            own, items = {column.name: whole[column.name] for column in table.own_keys}, whole["document"]
        elif table.counted_in in lists:
            keys, own, items = _entries(table, *lists[table.counted_in])
        else:
            continue
        columns = keys | own
        values = dict(_values(items, table.node, ()))
        for member in table.members:
            value = values[member.way]
            if isinstance(member.node, ListOf | MapOf):
                value = _as_lists(value)
                if pc.sum(pc.list_value_length(value)).as_py():
                    above = own if table.counted_in else {}
                    lists[table.name, member.column.name] = keys, above, value
            columns[member.column.name] = _cells(value, member)
        yield table, pa.table({column.name: columns[column.name] for column in table.table.columns})


def map_entries(value: Any) -> int:
    """How many entries all maps in an array of nested values have, at any depth."""
    if pa.types.is_struct(value.type):
        return sum(map_entries(member) for member in value.flatten())
    if pa.types.is_map(value.type):
        return len(pc.list_flatten(_as_lists(value)))
    return map_entries(pc.list_flatten(value)) if pa.types.is_list(value.type) else 0


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


def _cells(value: Any, member: Member) -> Any:
    """What the column has of the member's values."""
    if isinstance(member.node, Structure):
        return pc.is_valid(value)
    if isinstance(member.node, Scalar):
        return _instants(value) if member.node.kind == "timestamp" else value
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
