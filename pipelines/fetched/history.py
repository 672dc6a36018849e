"""Rows of a reference table that AWS told, with the days from which they hold, and when AWS was last asked.

    fetched/<table>.csv     the rows, as a user would write them
    fetched/<table>.json    for each place when it was asked, and on which day of the service's clock that was

A row is a dict of texts by column; days are texts as `2026-01-31`. Here: keeping them, and what today's look adds. Not
here: asking.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from pipelines.errors import TrainyardError
from pipelines.files import write_whole
from pipelines.home import Home
from pipelines.models.reference import ReferenceTable, file_of

Row = dict[str, str]

VALID_FROM = "valid_from"


class Look(msgspec.Struct, frozen=True):
    """When a place was asked, in epoch seconds, and the day on which it answered, by its own clock."""

    asked_at: float
    seen_on: str | None


def read_rows(folder: Path, table: ReferenceTable) -> list[Row]:
    """The rows that are held; none where nothing was ever told."""
    try:
        with file_of(table, folder).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def write_rows(folder: Path, table: ReferenceTable, rows: Iterable[Row]) -> None:
    """Keep these rows in place of those that are held."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in table.table.columns], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(file_of(table, folder), text.getvalue().encode())


def read_looks(folder: Path, table: ReferenceTable) -> dict[str, Look]:
    """The last look at each place that was asked."""
    path = _looks_file(folder, table)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Look])
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = f"{Home(folder.parent).removal(path)}, the next run writes it anew"
        raise TrainyardError(f"{path} cannot be read ({error}): {remedy}") from None


def write_looks(folder: Path, table: ReferenceTable, looks: Mapping[str, Look]) -> None:
    """Keep these looks in place of those that are kept."""
    write_whole(_looks_file(folder, table), msgspec.json.encode(looks))


def joined(
    table: ReferenceTable, value: str, held: Iterable[Row], seen: Iterable[Row], today: str, last_seen_on: str | None
) -> list[Row]:
    """The rows held with what was seen today: nothing more where it is as it was, a row more where it is not.

    ``value``: the column that is compared. ``last_seen_on``: the day of the look before this one. A row that was seen
    tells in ``valid_from`` since when AWS says that it holds, or nothing. AWS is believed where nobody had looked:
    before the first look at a thing, and between two looks; and about days to come. What was seen stays.
    """
    series: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in held:
        series.setdefault(_key(table, row), {})[row[VALID_FROM]] = row
    for row in seen:
        _join(series.setdefault(_key(table, row), {}), row, value, today, last_seen_on or "")
    return [dated[day] for _, dated in sorted(series.items()) for day in sorted(dated)]


def _join(dated: dict[str, Row], row: Row, value: str, today: str, last_seen_on: str) -> None:
    """Join what was seen of one thing to its rows by day."""
    told = row[VALID_FROM]
    if told and len(dated) == 1:
        ((first, only),) = dated.items()
        if told < first and only[value] == row[value]:  # it has held for longer than was known
            dated.clear()
            dated[told] = only | {VALID_FROM: told}
            return
    is_believed = told and (not dated or told > max(last_seen_on, max(dated)) or told > today)
    since = told if is_believed else today
    in_force = max((day for day in dated if day <= since), default=None)
    if in_force is None or dated[in_force][value] != row[value]:
        dated[since] = row | {VALID_FROM: since}


def _key(table: ReferenceTable, row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in table.key if column != VALID_FROM)


def _looks_file(folder: Path, table: ReferenceTable) -> Path:
    return file_of(table, folder).with_suffix(".json")
