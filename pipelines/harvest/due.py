"""Jobs that are due to be read again: EventBridge events named them, and an event is no record.

    due.json

Here: which job an event names, and the note of them. Not here: reading them (``reread``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.errors import TrainyardError
from pipelines.files import write_whole
from pipelines.flatten.dialects import EVENT
from pipelines.home import Home


class Due(msgspec.Struct, frozen=True):
    """A job's name (its ARN may spell it otherwise), and when it changed, in epoch seconds, by the newest event."""

    name: str
    changed_at: float


class _Detail(msgspec.Struct):
    TrainingJobArn: Any = None
    TrainingJobName: Any = None
    LastModifiedTime: Any = None


class _Event(msgspec.Struct):
    detail_type: Any = msgspec.field(default=None, name="detail-type")
    detail: _Detail = msgspec.field(default_factory=_Detail)


_EVENT_DECODER = msgspec.json.Decoder(_Event)
_DUE = msgspec.json.Decoder(dict[str, Due])


def named_by(document: bytes) -> dict[str, Due]:
    """The job that an event names, by its ARN; none for any other document."""
    try:
        event = _EVENT_DECODER.decode(document)
        arn, name, milliseconds = (
            event.detail.TrainingJobArn,
            event.detail.TrainingJobName,
            event.detail.LastModifiedTime,
        )
        if event.detail_type == EVENT and isinstance(arn, str) and isinstance(name, str):
            return {arn: Due(name, float(milliseconds or 0) / 1000)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, ValueError, OverflowError):
        pass  # what is wrong with it shows when it is flattened
    return {}


def read_due(home: Path) -> dict[str, Due]:
    """The jobs that are due, by their ARNs."""
    path = home / "due.json"
    try:
        return _DUE.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = f"{Home(home).removal(path)}, and what it named is due once another event names it"
        raise TrainyardError(f"{path} cannot be read ({error}): {remedy}") from None


def write_due(home: Path, due: Mapping[str, Due], held: Mapping[str, Due]) -> None:
    """Put these in place of the jobs that are due now, which are ``held``."""
    if due != held:
        write_whole(home / "due.json", msgspec.json.encode(due, order="sorted"))


def note_due(home: Path, documents: Iterable[bytes]) -> None:
    """Add the jobs that events among the documents name to those that are due."""
    held = read_due(home)
    due = dict(held)
    for document in documents:
        for arn, job in named_by(document).items():
            if arn not in due or due[arn].changed_at < job.changed_at:
                due[arn] = job
    write_due(home, due, held)
