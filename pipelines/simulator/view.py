"""The fleet as it stands at an instant: which jobs there are, in which order, and which ones a search finds.

Here: what makes a page cost its own length and not the fleet's. What is asked of an instant is kept until the clock
moves; jobs that have come to their end are the same records at every later instant. Not here: requests and answers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from pipelines.simulator import search, shapes
from pipelines.simulator.fleet import Document, Fleet, place
from pipelines.simulator.rewind import final_instant, rewind
from pipelines.simulator.search import Condition, Expression

BOUND_OPERATORS = ("Equals", *search.ORDERINGS)
MAX_KEPT_SEARCHES = 64


class Record:
    """A job as it stands."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.place = place(document)

    @cached_property
    def search_result(self) -> bytes:
        """An element of Results, as JSON."""
        hidden = shapes.describe_only()
        job = {name: value for name, value in self.document.items() if name not in hidden}
        return msgspec.json.encode({"TrainingJob": job})


class Timeline:
    """Every instant of a fleet; each job is shown as it was ``delay_seconds`` of it ago."""

    def __init__(self, fleet: Fleet, delay_seconds: Callable[[Document], float] = lambda document: 0) -> None:
        self._final = [
            (final_instant(document), delay_seconds(document), Record(document)) for document in fleet.documents
        ]

    def at(self, now: float) -> View:
        """The fleet at ``now``, epoch seconds. Only jobs that are not yet as they end are made anew."""
        records = []
        for final, delay, record in self._final:
            document = record.document if final + delay <= now else rewind(record.document, now - delay)
            if document is record.document:
                records.append(record)
            elif document is not None:
                records.append(Record(document))
        return View(records)


class View:
    """Jobs at one instant, in the fleet's order."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records
        self._places: dict[tuple[str, str], View] = {}
        self._orders: dict[str, tuple[list[Any], list[Record], list[Record]]] = {}
        self._searches: dict[str, list[Record]] = {}

    def within(self, place: tuple[str, str] | None) -> View:
        """The jobs of an account and region alone; all of them for None."""
        if place is None:
            return self
        if place not in self._places:
            self._places[place] = View([record for record in self._records if record.place == place])
        return self._places[place]

    @cached_property
    def by_name(self) -> dict[str, Record]:
        """The jobs by TrainingJobName."""
        return {record.document.get("TrainingJobName", ""): record for record in self._records}

    @cached_property
    def by_arn(self) -> dict[str, Record]:
        """The jobs by TrainingJobArn."""
        return {record.document.get("TrainingJobArn", ""): record for record in self._records}

    def find(self, question: str, expression: Expression, sort_by: str, is_descending: bool) -> list[Record]:
        """The jobs that an expression finds, sorted; those without the property to sort by come last.

        ``question`` names all of it, so that its next pages find the answer kept.
        """
        if question not in self._searches:
            if len(self._searches) >= MAX_KEPT_SEARCHES:
                self._searches.clear()
            self._searches[question] = self._find(expression, sort_by, is_descending)
        return self._searches[question]

    def _find(self, expression: Expression, sort_by: str, is_descending: bool) -> list[Record]:
        keys, records, without_key = self._order(sort_by)
        bounds, rest = _bounds_and_rest(expression, sort_by)
        if bounds:
            first = max(_first(keys, bound) for bound in bounds)
            last = min(_last(keys, bound) for bound in bounds)
            records, without_key = records[first:last], []
        found = (records[::-1] if is_descending else records) + without_key
        return [record for record in found if rest.holds(record.document)] if rest.parts else found

    def _order(self, sort_by: str) -> tuple[list[Any], list[Record], list[Record]]:
        """The values of a property in ascending order, their jobs, and the jobs that have none."""
        if sort_by not in self._orders:
            sort_key = search.sort_property(sort_by).sort_key
            keyed = [(sort_key(record.document), record) for record in self._records]
            ordered = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0])
            self._orders[sort_by] = (
                [key for key, _ in ordered],
                [record for _, record in ordered],
                [record for key, record in keyed if key is None],
            )
        return self._orders[sort_by]


def _bounds_and_rest(expression: Expression, sort_by: str) -> tuple[list[Condition], Expression]:
    """The conditions that bisecting the order answers (a record's own timestamp against an instant), and the others."""
    bounds = [
        part
        for part in expression.parts
        if isinstance(part, Condition)
        and expression.needs_all
        and part.subject.name == sort_by
        and part.subject.type_name == "timestamp"
        and "." not in sort_by
        and part.operator in BOUND_OPERATORS
    ]
    return bounds, Expression(tuple(part for part in expression.parts if part not in bounds), expression.needs_all)


def _first(keys: list[Any], bound: Condition) -> int:
    """Where the values begin that satisfy a condition."""
    if bound.operator in ("Equals", "GreaterThanOrEqualTo"):
        return bisect_left(keys, bound.operand)
    return bisect_right(keys, bound.operand) if bound.operator == "GreaterThan" else 0


def _last(keys: list[Any], bound: Condition) -> int:
    """Where the values end that satisfy a condition."""
    if bound.operator in ("Equals", "LessThanOrEqualTo"):
        return bisect_right(keys, bound.operand)
    return bisect_left(keys, bound.operand) if bound.operator == "LessThan" else len(keys)
