"""What in the lake breaks a constraint that SageMaker documents: values outside their pattern, range or list.

Such values are kept as they came, for the API gave them; this only counts them. Here: the constraints as SQL, read off
the service model, and their counts. Not here: types, which the gate holds (``flatten``).

A partition is looked through once: its counts are kept in ``lake/constraints.json`` until its files change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec

from pipelines import files
from pipelines.flatten.layout import LakeColumn, LakeTable, lake_tables
from pipelines.flatten.record import ListOf, MapOf, Scalar
from pipelines.lake.manifest import Manifest, Partition, select_table
from pipelines.tables import literal, quoted

_ANYTHING = (".*", r"[\S\s]*")
_MOST_SHOWN = 60  # characters of an example


class _Found(msgspec.Struct):
    """How many values break a constraint, and one of them."""

    count: int
    example: str


class _Kept(msgspec.Struct):
    """What was found, by the files of a partition and what is wrong; and of which constraints."""

    constraints: str
    found: dict[str, dict[str, _Found]]


def broken_constraints(lake: Path, manifest: Manifest) -> Counter[str]:
    """How many values break which constraint: the member's path, what is wrong, and one such value."""
    path = lake / "constraints.json"
    constraints = blake2b(repr(_checks()).encode(), digest_size=16).hexdigest()
    kept = _read(path)
    known = kept.found if kept and kept.constraints == constraints else {}
    found = {_name(part): known.get(_name(part), {}) for part in manifest.partitions}
    new = tuple(part for part in manifest.partitions if _name(part) not in known)
    if new:
        with duckdb.connect() as connection:
            for part, what, one in _find(connection, lake, Manifest(partitions=new)):
                found[part][what] = one
    if found != known:
        files.write_whole(path, msgspec.json.encode(_Kept(constraints, found)))
    total: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for of_part in found.values():
        for what, one in of_part.items():
            total[what] += one.count
            examples[what] = one.example
    return Counter({f"{what}: {examples[what]!r}": count for what, count in total.items()})


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _name(part: Partition) -> str:
    """Of a partition with what is in it: each of its tables may change by itself."""
    held = blake2b(msgspec.json.encode(part.tables, order="sorted"), digest_size=16).hexdigest()
    return "/".join((*part.key, held))


def _find(connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest) -> Iterator[tuple[str, str, _Found]]:
    """What is wrong in each partition of a manifest."""
    names = {part.key: _name(part) for part in manifest.partitions}
    for table, checks in _checks():
        rows = f"from ({select_table(table.table, manifest.paths(lake, table.name))})"
        counted = ", ".join(f"count(*) filter (where {check.broken})" for check in checks)
        by_part = connection.execute(
            f"select account_id, region, month, {counted} {rows} group by account_id, region, month"
        ).fetchall()
        for number, check in enumerate(checks, 3):
            broken = {row[:3]: row[number] for row in by_part if row[number]}
            if broken:
                one = f"select min({check.column})::varchar {rows} where {check.broken}"
                ((example,),) = connection.execute(one).fetchall()
                for key, count in broken.items():
                    yield names[key], check.what, _Found(count, example[:_MOST_SHOWN])


class _Check(NamedTuple):
    """A constraint of a column: what is wrong where the SQL condition ``broken`` holds."""

    column: str
    what: str
    broken: str


@cache
def _checks() -> tuple[tuple[LakeTable, list[_Check]], ...]:
    """The tables with constraints."""
    checks = (
        (
            table,
            [
                _Check(quoted(column.name), f"{column.path}{' (key)' * _is_key(column)} is {what}", broken)
                for column in table.columns
                for what, broken in _broken(column)
            ],
        )
        for table in lake_tables()
    )
    return tuple((table, of_table) for table, of_table in checks if of_table)


def _is_key(column: LakeColumn) -> bool:
    return column.name == "key" and column.path.endswith("{}")


def _broken(column: LakeColumn) -> Iterator[tuple[str, str]]:
    """The constraints of a column: what is wrong where the SQL condition holds. An empty text counts as absent."""
    node, value = column.node, quoted(column.name)
    told = f"{value} <> '' and "
    if isinstance(node, Scalar) and node.kind == "string":
        if node.enum:
            yield "not one of the values", f"{told}{value} not in ({', '.join(map(literal, node.enum))})"
        pattern = _pattern(node)
        if pattern:
            yield f"not of the pattern {node.pattern}", f"{told}not regexp_full_match({value}, {literal(pattern)})"
        if node.least:
            yield f"shorter than {node.least}", f"{told}length({value}) < {node.least}"
        if node.most is not None:
            yield f"longer than {node.most}", f"length({value}) > {node.most}"
    elif isinstance(node, ListOf | MapOf) or (isinstance(node, Scalar) and node.kind in ("integer", "number")):
        what = "" if isinstance(node, Scalar) else " entries"
        if node.least is not None:
            yield f"less than {node.least}{what}", f"{value} < {node.least}"
        if node.most is not None:
            yield f"more than {node.most}{what}", f"{value} > {node.most}"


@cache
def _pattern(node: Scalar) -> str | None:
    """The pattern as DuckDB knows it, or None if it cannot, or if all matches. A dot is any character."""
    if node.pattern is None or node.pattern in _ANYTHING:
        return None
    # RE2 has no Java classes and counts to 1,000; the length is a constraint of its own.
    pattern = "(?s)" + re.sub(r"\{1,\d{4,}\}", "+", node.pattern.replace(r"\p{Alnum}", "[:alnum:]"))
    try:
        duckdb.execute("select regexp_full_match('', $1)", [pattern])
    except duckdb.InvalidInputException:
        return None
    return pattern
