"""The TrainingJob record as a tree, read off the installed botocore service model.

Here: what members the record has, at every depth, of what kind, what values the model allows, and what they mean. It
is the union of what ``Search`` returns (``TrainingJob``) and what ``DescribeTrainingJob`` returns. Not here: how
members are laid out in tables (``layout``) nor how documents are checked against them (``gate``).

A member's path is ``A.B``, its element's ``A.B[]`` if it is a list, its entry's ``A.B{}`` if it is a map.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipelines.flatten.meanings import meaning_of
from pipelines.service_model import service_model

SCALAR_KINDS = {
    "string": "string",
    "integer": "integer",
    "long": "integer",
    "boolean": "boolean",
    "float": "number",
    "double": "number",
    "timestamp": "timestamp",
}


@dataclass(frozen=True)
class Scalar:
    """A leaf: ``string``, ``integer``, ``boolean``, ``number`` or ``timestamp``, and what the model says of its values.

    ``least`` and ``most`` are of a string's length or a number's value. ``shape`` is the model's name for such values.
    """

    kind: str
    shape: str
    enum: tuple[str, ...]
    pattern: str | None
    least: int | None
    most: int | None


@dataclass(frozen=True)
class Structure:
    """Named members, each with what it means, in a sentence or a few."""

    members: dict[str, Node]
    meanings: dict[str, str]


@dataclass(frozen=True)
class ListOf:
    """A list of scalars or structures, of ``least`` to ``most`` elements."""

    element: Scalar | Structure
    least: int | None
    most: int | None


@dataclass(frozen=True)
class MapOf:
    """A map from strings to scalars, of ``least`` to ``most`` entries."""

    key: Scalar
    value: Scalar
    least: int | None
    most: int | None


Node = Scalar | Structure | ListOf | MapOf


@cache
def training_job() -> Structure:
    """The record: members of ``DescribeTrainingJobResponse``, then those that only ``TrainingJob`` has."""
    model = service_model()
    described = _structure(model.shape_for("DescribeTrainingJobResponse"), "", frozenset())
    searched = _structure(model.shape_for("TrainingJob"), "", frozenset())
    return Structure(
        described.members | {k: v for k, v in searched.members.items() if k not in described.members},
        searched.meanings | described.meanings,
    )


def _node(shape: Any, path: str, within: frozenset[str]) -> Node | None:
    """The tree below a shape, or None for one that no table can hold: its members then count as unmodelled.

    ``within`` are the structures it is in: one that is inside itself has no end that tables could have.
    """
    limits = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name in SCALAR_KINDS:
        return _scalar(shape)
    if shape.type_name == "structure" and shape.name not in within:
        return _structure(shape, path, within)
    if shape.type_name == "list":
        element = _node(shape.member, f"{path}[]", within)
        return ListOf(element, *limits) if isinstance(element, Scalar | Structure) else None
    if shape.type_name == "map":
        value = _node(shape.value, f"{path}{{}}", within)
        return MapOf(_scalar(shape.key), value, *limits) if isinstance(value, Scalar) else None
    return None


def _scalar(shape: Any) -> Scalar:
    told = shape.metadata
    return Scalar(
        SCALAR_KINDS[shape.type_name],
        shape.name,
        tuple(told.get("enum", ())),
        told.get("pattern"),
        told.get("min"),
        told.get("max"),
    )


def _structure(shape: Any, path: str, within: frozenset[str]) -> Structure:
    members, meanings = {}, {}
    for name, member in shape.members.items():
        below = f"{path}.{name}" if path else name
        node = _node(member, below, within | {shape.name})
        if node is not None:
            members[name] = node
            meanings[name] = meaning_of(below) or _first_sentence(member.documentation)
    return Structure(members, meanings)


def _first_sentence(documentation: str) -> str:
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", documentation)).split())
    text = re.sub(r" ([.,;:)])", r"\1", text)
    match = re.match(r"(.+?[.])(?= [A-Z]|$)", text)
    return match.group(1) if match else text
