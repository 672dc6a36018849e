"""The Search language: what an expression asks of a job's document, and the property it is sorted by.

Pure: parameters in, predicates out; wrong input raises ValidationException. Not here: which jobs there are, or pages.

Where the service's documentation is silent: a property inside a list satisfies a filter if any element does, and an
absent property satisfies NotEquals and NotExists alone.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pipelines.simulator import shapes
from pipelines.simulator.errors import invalid
from pipelines.simulator.fleet import Document

MAX_ELEMENTS = 20  # of one expression
MAX_ELEMENTS_IN_ALL = 50
MAX_CONTAINS = 1

NUMBERS = ("integer", "long", "float", "double")
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)

Predicate = Callable[[Document], bool]


@dataclass(frozen=True)
class Property:
    """A property that filters and sorts name: its type in the model, and how to read its values from a document."""

    name: str
    type_name: str
    read: Callable[[Document], list[Any]]

    def values(self, document: Document) -> list[Any]:
        """The values that are of the property's type, for a fleet may hold faulty documents."""
        return [value for value in self.read(document) if shapes.is_of(self.type_name, value)]

    def sort_key(self, document: Document) -> Any:
        """The first value; None where there is none."""
        return next(iter(self.values(document)), None)


@dataclass(frozen=True)
class Condition:
    """One filter: ``holds`` for a document or not. ``operand`` is the value in the property's own type."""

    subject: Property
    operator: str
    operand: Any
    holds: Predicate


@dataclass(frozen=True)
class Expression:
    """What a search asks: all of its parts, or any of them."""

    parts: tuple[Condition | Expression, ...]
    needs_all: bool = True

    def holds(self, document: Document) -> bool:
        """Whether a document is found."""
        quantifier = all if self.needs_all else any
        return quantifier(part.holds(document) for part in self.parts)


EVERYTHING = Expression(())


def compiled(search_expression: Document | None) -> Expression:
    """The expression of a Search request; None finds everything."""
    if search_expression is None:
        return EVERYTHING
    if len(list(_elements(search_expression))) > MAX_ELEMENTS_IN_ALL:
        raise invalid(f"A search expression can include at most {MAX_ELEMENTS_IN_ALL} elements in all.")
    contains = sum(element.get("Operator") == "Contains" for element in _elements(search_expression))
    if contains > MAX_CONTAINS:
        raise invalid(f"'CONTAINS' operator usage limit of {MAX_CONTAINS} exceeded.")
    return _expression(search_expression)


@lru_cache
def sort_property(name: str) -> Property:
    """The property to sort by."""
    found = _property(name)
    if found.type_name in ("structure", "list", "map"):
        raise invalid(f"Cannot sort by {name}: it is a {found.type_name}.")
    return found


def _elements(expression: Document) -> Iterator[Document]:
    """Every filter, nested filter and sub-expression, at every depth."""
    for name in ("Filters", "NestedFilters", "SubExpressions"):
        for element in expression.get(name) or ():
            yield element
            yield from _elements(element)


def _expression(source: Document) -> Expression:
    parts: list[Condition | Expression] = []
    parts += [_condition(entry, _property(entry["Name"])) for entry in source.get("Filters") or ()]
    parts += [_nested(entry) for entry in source.get("NestedFilters") or ()]
    parts += [_expression(entry) for entry in source.get("SubExpressions") or ()]
    if not parts:
        raise invalid("You must specify at least one subexpression, filter, or nested filter.")
    if len(parts) > MAX_ELEMENTS:
        raise invalid(f"A search expression can contain at most {MAX_ELEMENTS} elements.")
    return Expression(tuple(parts), source.get("Operator", "And") == "And")


def _nested(source: Document) -> Condition:
    """Holds where one element of the list satisfies every filter."""
    name = source["NestedPropertyName"]
    steps, shape = _walk(shapes.training_job(), name, name)
    if shape.type_name != "list" or shape.member.type_name != "structure":
        raise invalid(f"{name} is not a nested property.")
    filters = []
    for entry in source["Filters"]:
        if not entry["Name"].startswith(f"{name}."):
            raise invalid(f"The filter {entry['Name']} is not on a property of {name}.")
        inner, inner_shape = _walk(shape.member, entry["Name"].removeprefix(f"{name}."), entry["Name"])
        filters.append(_condition(entry, Property(entry["Name"], inner_shape.type_name, _reader(inner))))
    read = _reader(steps)

    def holds(document: Document) -> bool:
        return any(all(part.holds(element) for part in filters) for element in read(document))

    return Condition(Property(name, "list", read), "Nested", None, holds)


def _property(name: str) -> Property:
    top, _, key = name.partition(".")
    if key and top == "Tags":
        return Property(name, "string", _entry_reader("Tags", "Key", key, "Value"))
    if key and top == "Metrics":
        return Property(name, "float", _entry_reader("FinalMetricDataList", "MetricName", key, "Value"))
    steps, shape = _walk(shapes.training_job(), name, name)
    return Property(name, shape.type_name, _reader(steps))


def _walk(shape: Any, path: str, name: str) -> tuple[tuple[str, ...], Any]:
    """The members to go through along ``path``, and the shape at its end; ``name`` is for the error."""
    steps = []
    while path:
        if shape.type_name == "list":
            shape = shape.member
        elif shape.type_name == "map":  # its keys may have dots
            steps.append(path)
            shape, path = shape.value, ""
        else:
            step, _, path = path.partition(".")
            if shape.type_name != "structure" or step not in shape.members:
                raise invalid(f"Unknown property name: {name}")
            steps.append(step)
            shape = shape.members[step]
    if shape.type_name == "list" and shape.member.type_name not in ("structure", "list", "map"):
        shape = shape.member  # a list of scalars is asked as its elements are
    return tuple(steps), shape


def _reader(steps: tuple[str, ...]) -> Callable[[Document], list[Any]]:
    def read(document: Document) -> list[Any]:
        values: list[Any] = [document]
        for step in steps:
            found = [value.get(step) for value in values if isinstance(value, dict)]
            values = []
            for value in found:
                if isinstance(value, list):
                    values += value
                elif value is not None:
                    values.append(value)
        return values

    return read


def _entry_reader(member: str, key_name: str, key: str, value_name: str) -> Callable[[Document], list[Any]]:
    """Reads the value beside a key, as in ``[{"Key": …, "Value": …}]``."""
    entries, value = _reader((member,)), _reader((value_name,))

    def read(document: Document) -> list[Any]:
        return [
            found
            for entry in entries(document)
            if isinstance(entry, dict) and entry.get(key_name) == key
            for found in value(entry)
        ]

    return read


def _condition(source: Document, subject: Property) -> Condition:
    name = source.get("Operator", "Equals")
    if name in ("Exists", "NotExists"):
        expected = name == "Exists"
        return Condition(subject, name, None, lambda document: bool(subject.read(document)) == expected)
    if source.get("Value") is None:
        raise invalid(f"The operator {name} on {subject.name} needs a value.")
    if name == "NotEquals":
        equals = _test(subject, "Equals", source["Value"])[1]
        return Condition(subject, name, None, lambda document: not any(map(equals, subject.values(document))))
    operand, test = _test(subject, name, source["Value"])
    return Condition(subject, name, operand, lambda document: any(map(test, subject.values(document))))


def _test(subject: Property, name: str, text: str) -> tuple[Any, Callable[[Any], bool]]:
    """The value in the type of its property, and the test of one value of a document."""
    if subject.type_name == "string":
        return text, _text_test(subject, name, text)
    if subject.type_name == "timestamp":
        operand: Any = _timestamp(text)
    elif subject.type_name in NUMBERS:
        operand = _number(text)
    elif subject.type_name == "boolean":
        operand = {"true": True, "false": False}.get(text.lower())
    else:
        raise invalid(f"{subject.name} is a {subject.type_name}: only Exists and NotExists are supported.")
    if operand is None:
        raise invalid(f"The value '{text}' is not a {subject.type_name}, as {subject.name} is.")
    compare = operator.eq if name == "Equals" else None if subject.type_name == "boolean" else ORDERINGS.get(name)
    if compare is None:
        raise invalid(f"The operator {name} is not supported for {subject.name}, a {subject.type_name}.")
    return operand, lambda value: compare(value, operand)


def _text_test(subject: Property, name: str, text: str) -> Callable[[Any], bool]:
    if name == "Contains":
        return lambda value: text in value
    if name == "In":
        options = frozenset(option.strip() for option in text.split(","))
        return lambda value: value in options
    compare = operator.eq if name == "Equals" else ORDERINGS[name]
    number = _number(text)
    if subject.name.startswith("HyperParameters.") and number is not None:
        return _hyperparameter_test(compare, number)
    if name != "Equals":
        raise invalid(f"The operator {name} is not supported for {subject.name}, a text.")
    return lambda value: bool(value == text)


def _hyperparameter_test(compare: Callable[[Any, Any], bool], number: int | float) -> Callable[[Any], bool]:
    """Numbers written as text compare as numbers; as integers where the value asked for is one."""

    def test(value: Any) -> bool:
        found = _number(value)
        return found is not None and compare(int(found) if isinstance(number, int) else found, number)

    return test


def _number(text: str) -> int | float | None:
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(text) if text.lstrip("+-").isdigit() else number


def _timestamp(text: str) -> float | None:
    if not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
