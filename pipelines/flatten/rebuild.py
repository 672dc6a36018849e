"""A job's document from its rows: what shows that the tables lose nothing.

Here: the way back from tables to the API's shape. Not here: reading rows, or what the way there treats alike
(``docs/lossless.md``).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pipelines.flatten.layout import KEY_COLUMNS, LakeColumn, lake_tables, main_table
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 the lake's times are naive UTC


def rebuild_document(rows: Rows) -> dict[str, Any]:
    """The document that a job's rows were made from, decoded: members of the API, times as epoch seconds.

    ``rows``: of each table of the lake, by its name without schema, the rows with the job's ``training_job_arn``, as
    dicts by column. Tables without such rows may be left out.
    """
    (job,) = rows[main_table().name]
    document: dict[str, Any] = _Job(rows).value(training_job(), "", job, ())
    for path, value in json.loads(job["unmodelled_fields"] or "{}").items():
        _put(document, path, value)
    return document


@cache
def _columns() -> dict[str, str]:
    """The column that tells of a member, by API path: its value, whether it is present, or how many are in it."""
    return {
        column.path: column.name
        for table in lake_tables()
        for column in table.columns
        if column.path and not _is_position(column)
    }


@cache
def _tables() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The table of a list's elements or a map's entries, by API path, and its columns that say in which row each is."""
    own = {column.name for column in KEY_COLUMNS}
    return {
        column.path: (
            table.name,
            tuple(above.name for above in table.columns if not above.path and above.name not in own),
        )
        for table in lake_tables()
        for column in table.columns
        if _is_position(column)
    }


def _is_position(column: LakeColumn) -> bool:
    return column.name in ("index", "key") and column.path.endswith(("[]", "{}"))


class _Job:
    """The rows of one job, by table and by the positions of the rows that they are in."""

    def __init__(self, rows: Rows) -> None:
        self._below: dict[tuple[str, tuple[int, ...]], list[Mapping[str, Any]]] = defaultdict(list)
        for table, above in _tables().values():
            for row in rows.get(table, ()):
                self._below[table, tuple(row[column] for column in above)].append(row)

    def value(self, node: Node, path: str, row: Mapping[str, Any], positions: tuple[int, ...]) -> Any:
        """What ``node`` is in ``row``, which is at ``positions`` in its lists; None if absent."""
        told = row[_columns()[path]] if path in _columns() else True
        if isinstance(node, Scalar):
            return _as_received(told)
        if isinstance(node, Structure):
            if not told:
                return None
            members = {
                name: self.value(below, f"{path}.{name}" if path else name, row, positions)
                for name, below in node.members.items()
            }
            return {name: value for name, value in members.items() if value is not None}
        if told is None:
            return None
        path += "[]" if isinstance(node, ListOf) else "{}"
        below = self._below[_tables()[path][0], positions]
        if len(below) != told:
            raise ValueError(f"{path}: {told} counted, {len(below)} found")
        if isinstance(node, MapOf):
            return {entry["key"]: self.value(node.value, path, entry, positions) for entry in below}
        below.sort(key=lambda element: element["index"])
        return [self.value(node.element, path, element, (*positions, element["index"])) for element in below]


def _as_received(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) / timedelta(seconds=1)
    if isinstance(value, float) and not math.isfinite(value):  # AWS JSON has these as texts
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set a member that the model does not know: all before it on its path are members that it knows."""
    node: Node = training_job()
    here: Any = document
    while isinstance(node, Structure):
        known = max((name for name in node.members if _leads(name, path)), key=len, default=None)
        if known is None:
            here[path] = value
            return
        here, node, path = here[known], node.members[known], path[len(known) :]
        while isinstance(node, ListOf):
            end = path.index("]")
            here, node, path = here[int(path[1:end])], node.element, path[end + 1 :]
        path = path.removeprefix(".")


def _leads(name: str, path: str) -> bool:
    return path.startswith((f"{name}.", f"{name}["))
