"""Records that are not quite the API's: bring one to the API's own shape, or say where it cannot be read.

Here: ISO times of the command line, epoch milliseconds and tag maps of EventBridge events, UPPER_CASE values and
`1.0` counts of Step Functions output, members newer than the installed service model. Pure. Not here: documents of the
API's own shape, which pass the strict ``gate`` untouched. ``docs/lossless.md`` says all this to users.
"""

from __future__ import annotations

import json
import math
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from pipelines.flatten.gate import EARLIEST_SECONDS, LATEST_SECONDS
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job

EVENT = "SageMaker Training Job State Change"  # what `detail-type` of an EventBridge event says

_CALL = "ResponseMetadata"  # what boto3 adds of its call
# AWS JSON writes these numbers as strings; so does the row, for JSON has no others.
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number beyond what a TIMESTAMP holds is read as milliseconds if it then lies before 2100: from 1978 on, that is.
_LATEST_MILLISECONDS = 4_102_444_800_000
_LEAP_SECOND = re.compile(r"(.{11}\d\d:\d\d:)60")
_MOST_EXACT = 2**53  # beyond it a number with a point may not be what was written


class UnreadableError(Exception):
    """A document that no dialect explains: ``path`` of the member and ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Shaped(NamedTuple):
    """A document in the API's shape without nulls; its members that the model does not know, by path.

    ``is_event``: it came as an EventBridge event, which tells less than a record.
    """

    document: dict[str, Any]
    unmodelled: dict[str, Any]
    is_event: bool


def read_document(text: bytes) -> Shaped:
    """A JSON document of any dialect in the API's shape.

    Raises UnreadableError, and for what is not JSON ``msgspec.DecodeError``, UnicodeDecodeError or RecursionError.
    """
    try:
        return to_api_shape(msgspec.json.decode(text))
    except msgspec.ValidationError:  # a number that no double holds: find where it is
        return to_api_shape(json.loads(text, parse_int=_int_or_infinite))


def _int_or_infinite(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float(digits)


def to_api_shape(document: Any) -> Shaped:
    """A decoded document of any dialect in the API's shape.

    Raises UnreadableError.
    """
    if isinstance(document, dict) and document.keys() == {"unreadable"}:  # so the harvest keeps what is not JSON
        told = document["unreadable"]
        raise UnreadableError(told["path"], told["reason"])
    is_event = isinstance(document, dict) and document.get("detail-type") == EVENT
    record = document.get("detail") if is_event else document
    _expect(dict, record, "detail" if is_event else "")
    record = {name: value for name, value in record.items() if name != _CALL}
    shaper = _Shaper(in_milliseconds=_beyond_seconds(record.get("CreationTime") or record.get("LastModifiedTime")))
    return Shaped(shaper.shaped(record, training_job(), ""), shaper.unmodelled, is_event)


def _beyond_seconds(value: Any) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"[0-9]{12,18}", value))
    return isinstance(value, int | float) and value > LATEST_SECONDS


class _Shaper:
    """Brings one record to the API's shape; all its times are in one unit, that of its CreationTime."""

    def __init__(self, *, in_milliseconds: bool) -> None:
        self.unmodelled: dict[str, Any] = {}
        self._in_milliseconds = in_milliseconds

    def shaped(self, value: Any, node: Node, path: str) -> Any:
        if isinstance(node, Scalar):
            return self._timestamp(value, path) if node.kind == "timestamp" else _SCALARS[node.kind](value, node, path)
        if isinstance(node, ListOf):
            if isinstance(value, dict) and _is_key_and_value(node.element):
                value = [{"Key": key, "Value": text} for key, text in value.items()]
            _expect(list, value, path)
            return [self.shaped(item, node.element, f"{path}[{index}]") for index, item in enumerate(value)]
        _expect(dict, value, path)
        present = {name: item for name, item in value.items() if item is not None}
        if isinstance(node, MapOf):
            return {key: self.shaped(item, node.value, f"{path}.{key}") for key, item in present.items()}
        shaped = {}
        for name, item in present.items():
            below = f"{path}.{name}" if path else name
            if name in node.members:
                shaped[name] = self.shaped(item, node.members[name], below)
            else:
                _expect_finite(item, below)
                self.unmodelled[below] = item
        return shaped

    def _timestamp(self, value: Any, path: str) -> float:
        """Epoch seconds: of ISO 8601 (UTC if it says no other), seconds, or milliseconds (also as a text)."""
        if isinstance(value, str) and not _beyond_seconds(value):
            try:
                seconds = _seconds_of_iso(value)
            except ValueError:
                raise UnreadableError(path, f"expected a time, got {value!r:.40}") from None
        else:
            number = _finite(int(value) if isinstance(value, str) else value, path, "a time")
            if _beyond_seconds(number) != self._in_milliseconds or number >= _LATEST_MILLISECONDS:
                raise UnreadableError(path, f"expected a time in {self._unit}, got {value!r:.40}")
            seconds = number / 1000 if self._in_milliseconds else number
        if not EARLIEST_SECONDS <= seconds <= LATEST_SECONDS:
            raise UnreadableError(path, f"expected a time, got {value!r:.40}")
        return seconds

    @property
    def _unit(self) -> str:
        return "milliseconds before 2100" if self._in_milliseconds else "seconds up to the year 9999"


def _is_key_and_value(element: Node) -> bool:
    return isinstance(element, Structure) and element.members.keys() == {"Key", "Value"}


def _expect(kind: type, value: Any, path: str) -> None:
    if not isinstance(value, kind):
        raise UnreadableError(path, f"expected {kind.__name__}, got {type(value).__name__}")


def _expect_finite(value: Any, path: str) -> None:
    """Refuse numbers that JSON can write and no double holds: kept as JSON they would become null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UnreadableError(path, "a number out of range")
    if isinstance(value, dict):
        for name, item in value.items():
            _expect_finite(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _expect_finite(item, f"{path}[{index}]")


def _string(value: Any, node: Scalar, path: str) -> str:
    _expect(str, value, path)
    if node.enum and value not in node.enum:
        spelled = [known for known in node.enum if _letters(known) == _letters(value)]
        return spelled[0] if len(spelled) == 1 else value
    return str(value)


def _letters(value: str) -> str:
    return re.sub(r"[^a-z0-9]", "", value.lower())


def _integer(value: Any, node: Scalar, path: str) -> int:
    is_whole = type(value) is int or (type(value) is float and value.is_integer() and abs(value) <= _MOST_EXACT)
    if not is_whole or not -(2**63) <= value < 2**63:
        raise UnreadableError(path, f"expected a whole number of 64 bits, got {value!r:.40}")
    return int(value)


def _number(value: Any, node: Scalar, path: str) -> float | str:
    if isinstance(value, str) and value in _NOT_FINITE:
        return value
    return _finite(value, path, "a number")


def _finite(value: Any, path: str, expected: str) -> float:
    if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
        raise UnreadableError(path, f"expected {expected}, got {value!r:.40}")
    return float(value)


def _boolean(value: Any, node: Scalar, path: str) -> bool:
    _expect(bool, value, path)
    return bool(value)


def _seconds_of_iso(text: str) -> float:
    leap = _LEAP_SECOND.match(text)
    moment = datetime.fromisoformat(f"{leap[1]}59{text[leap.end() :]}" if leap else text)
    in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = (in_utc - _EPOCH) / timedelta(seconds=1)
    if leap:
        seconds += 1  # epoch time has none: it is the one after it
        if seconds % 86_400 >= 1:
            raise ValueError("leap seconds are the last of a day of UTC")
    return seconds


_SCALARS = {"string": _string, "integer": _integer, "boolean": _boolean, "number": _number}
