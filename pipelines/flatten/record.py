"""The TrainingJob record as a tree, read off the installed botocore service model.

Here: what members the record has, at every depth, and of what kind. It is the union of what ``Search`` returns
(``TrainingJob``) and what ``DescribeTrainingJob`` returns. Not here: how members are laid out in tables (``layout``)
nor how documents are checked against them (``gate``).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session

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
    """A leaf: ``string``, ``integer``, ``boolean``, ``number`` or ``timestamp``; strings may have known values."""

    kind: str
    enum: tuple[str, ...] = ()


@dataclass(frozen=True)
class Structure:
    """Named members, each with SageMaker's documentation in one sentence."""

    members: dict[str, Node]
    documentation: dict[str, str]


@dataclass(frozen=True)
class ListOf:
    """A list of scalars or structures."""

    element: Scalar | Structure


@dataclass(frozen=True)
class MapOf:
    """A map from strings to scalars."""

    value: Scalar


Node = Scalar | Structure | ListOf | MapOf


@cache
def training_job() -> Structure:
    """The record: members of ``DescribeTrainingJobResponse``, then those that only ``TrainingJob`` has."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    described = _structure(model.shape_for("DescribeTrainingJobResponse"))
    searched = _structure(model.shape_for("TrainingJob"))
    return Structure(
        described.members | {k: v for k, v in searched.members.items() if k not in described.members},
        searched.documentation | described.documentation,
    )


def _node(shape: Any) -> Node | None:
    """The tree below a shape, or None for one that no table can hold: its members then count as unmodelled."""
    if shape.type_name in SCALAR_KINDS:
        return Scalar(SCALAR_KINDS[shape.type_name], tuple(getattr(shape, "enum", ())))
    if shape.type_name == "structure":
        return _structure(shape)
    if shape.type_name == "list":
        element = _node(shape.member)
        return ListOf(element) if isinstance(element, Scalar | Structure) else None
    if shape.type_name == "map":
        value = _node(shape.value)
        return MapOf(value) if isinstance(value, Scalar) else None
    return None


def _structure(shape: Any) -> Structure:
    nodes = {name: (_node(member), _first_sentence(member.documentation)) for name, member in shape.members.items()}
    known = {name: (node, text) for name, (node, text) in nodes.items() if node is not None}
    return Structure(
        {name: node for name, (node, _) in known.items()}, {name: text for name, (_, text) in known.items()}
    )


def _first_sentence(documentation: str) -> str:
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", documentation)).split())
    text = re.sub(r" ([.,;:)])", r"\1", text)
    match = re.match(r"(.+?[.])(?= [A-Z]|$)", text)
    return match.group(1) if match else text
