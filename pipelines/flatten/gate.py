"""The strict gate: is a document exactly of the record's types, with no member that the model does not know?

Here: msgspec structures made from ``record``, which a decoder answers by. Not here: the lines around documents, and
what becomes of a document that does not pass (``documents``).
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import msgspec

from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job

# From 0001-01-01 to 9999-12-31, to the millisecond: what a TIMESTAMP of every engine and client can hold.
EARLIEST_SECONDS = -62135596800
LATEST_SECONDS = 253402300799.999

_SCALARS: dict[str, Any] = {
    "string": str,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "boolean": bool,
    "number": float,
    "timestamp": Annotated[float, msgspec.Meta(ge=EARLIEST_SECONDS, le=LATEST_SECONDS)],
}


@cache
def document_type() -> Any:
    """A msgspec structure; decoding raises ``ValidationError`` (with the path) for what is not of it.

    Absent members are ``msgspec.UNSET``, explicit nulls are None; timestamps are epoch seconds.
    """
    return _type(training_job(), "TrainingJob")


def _type(node: Node, name: str) -> Any:
    if isinstance(node, Scalar):
        return _SCALARS[node.kind]
    if isinstance(node, ListOf):
        return list[_type(node.element, name)]  # type: ignore[misc]
    if isinstance(node, MapOf):
        return dict[str, _type(node.value, name)]  # type: ignore[misc]
    assert isinstance(node, Structure)
    fields = [
        (member, _type(child, f"{name}{member}") | None | msgspec.UnsetType, msgspec.UNSET)
        for member, child in node.members.items()
    ]
    # gc=False: the structures hold no cycles, and the collector would walk millions of them.
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False)
