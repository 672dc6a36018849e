"""Records that are not quite the API's: bring one to the API's own shape, or say where it cannot be read.

Here: ISO times of the command line, epoch milliseconds and tag maps of EventBridge events, UPPER_CASE values and
`1.0` counts of Step Functions output, members newer than the installed service model. Pure. Not here: documents of the
API's own shape, which pass the strict ``gate`` untouched.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.flatten.gate import EARLIEST_SECONDS, LATEST_SECONDS
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job

# AWS JSON writes these numbers as strings; so does the row, for JSON has no others.
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableError(Exception):
    """A document that no dialect explains: ``path`` of the member and ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def to_api_shape(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document in the API's shape without nulls, and its members that the model does not know, by path.

    Raises UnreadableError.
    """
    unmodelled: dict[str, Any] = {}
    shaped = _shaped(document, training_job(), "", unmodelled)
    return shaped, unmodelled


def _shaped(value: Any, node: Node, path: str, unmodelled: dict[str, Any]) -> Any:
    if isinstance(node, Scalar):
        return _SCALARS[node.kind](value, node, path)
    if isinstance(node, ListOf):
        if isinstance(value, dict) and _is_key_and_value(node.element):
            value = [{"Key": key, "Value": text} for key, text in value.items()]
        _expect(list, value, path)
        return [_shaped(item, node.element, f"{path}[{index}]", unmodelled) for index, item in enumerate(value)]
    _expect(dict, value, path)
    present = {name: item for name, item in value.items() if item is not None}
    if isinstance(node, MapOf):
        return {key: _shaped(item, node.value, f"{path}.{key}", unmodelled) for key, item in present.items()}
    shaped = {}
    for name, item in present.items():
        below = f"{path}.{name}" if path else name
        if name in node.members:
            shaped[name] = _shaped(item, node.members[name], below, unmodelled)
        else:
            unmodelled[below] = item
    return shaped


def _is_key_and_value(element: Node) -> bool:
    return isinstance(element, Structure) and element.members.keys() == {"Key", "Value"}


def _expect(kind: type, value: Any, path: str) -> None:
    if not isinstance(value, kind):
        raise UnreadableError(path, f"expected {kind.__name__}, got {type(value).__name__}")


def _string(value: Any, node: Scalar, path: str) -> str:
    _expect(str, value, path)
    if node.enum and value not in node.enum:
        spelled = [known for known in node.enum if _letters(known) == _letters(value)]
        return spelled[0] if len(spelled) == 1 else value
    return str(value)


def _letters(value: str) -> str:
    return re.sub(r"[^a-z0-9]", "", value.lower())


def _integer(value: Any, node: Scalar, path: str) -> int:
    number = _number(value, node, path)
    if isinstance(number, str) or not number.is_integer() or not -(2**63) <= int(value) < 2**63:
        raise UnreadableError(path, f"expected a whole number of 64 bits, got {value!r:.40}")
    return int(value)


def _number(value: Any, node: Scalar, path: str) -> float | str:
    if isinstance(value, str) and value in _NOT_FINITE:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError(path, f"expected a number, got {value!r:.40}")
    return float(value)


def _boolean(value: Any, node: Scalar, path: str) -> bool:
    _expect(bool, value, path)
    return bool(value)


def _timestamp(value: Any, node: Scalar, path: str) -> float:
    if isinstance(value, str):
        try:
            value = float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else _seconds_of_iso(value)
        except ValueError:
            raise UnreadableError(path, f"expected a time, got {value!r:.40}") from None
    seconds = _number(value, node, path)
    if isinstance(seconds, str):
        raise UnreadableError(path, f"expected a time, got {value!r:.40}")
    if seconds > LATEST_SECONDS:
        seconds /= 1000
    if not EARLIEST_SECONDS <= seconds <= LATEST_SECONDS:
        raise UnreadableError(path, f"expected a time, got {value!r:.40}")
    return seconds


def _seconds_of_iso(text: str) -> float:
    moment = datetime.fromisoformat(text)
    in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (in_utc - _EPOCH) / timedelta(seconds=1)


_SCALARS = {"string": _string, "integer": _integer, "boolean": _boolean, "number": _number, "timestamp": _timestamp}
