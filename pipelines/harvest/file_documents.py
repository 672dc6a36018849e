"""Training jobs in files, however they came there.

Here: finding the documents in a ``Search`` or ``Describe`` response, the command line's output, a Step Functions task's
output, EventBridge events, or lists, concatenations and lines of any of these, plain or compressed. Each is given as it
was found. Not here: what its members mean in that dialect, nor where it goes.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pipelines.errors import TrainyardError
from pipelines.harvest.archive import zstd_lines
from pipelines.harvest.due import named_by
from pipelines.harvest.mend import mended

_EVENT = "SageMaker Training Job State Change"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class _Envelope(msgspec.Struct):
    """What may stand around training jobs."""

    Results: msgspec.Raw = msgspec.Raw()
    TrainingJob: msgspec.Raw = msgspec.Raw()
    TrainingJobSummaries: msgspec.Raw = msgspec.Raw()
    detail_type: Any = msgspec.field(default=None, name="detail-type")


class _Job(msgspec.Struct):
    TrainingJobArn: Any = None
    TrainingJobName: Any = None
    TrainingJobStatus: Any = None


_VALUE = msgspec.json.Decoder(msgspec.Raw)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_JOB = msgspec.json.Decoder(_Job)
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"\s*")


def read_documents(path: Path) -> Iterator[bytes]:
    """The documents of a file in order, each the JSON text found there; one per line are read a few at a time.

    Raises TrainyardError for a file that cannot be read, is not JSON (with the line), or has no training job.
    """
    any_job = False
    try:
        for value in _values(path):
            for document in _documents(value):
                any_job = any_job or _is_job(document)
                yield document
    except (OSError, EOFError, zlib.error) as error:
        raise TrainyardError(f"{path} cannot be read: {error}") from None
    if not any_job:
        hint = "`aws sagemaker search --resource TrainingJob` gives them; a list of summaries is not enough"
        raise TrainyardError(f"{path} holds no training jobs: {hint}")


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        start = file.read(4)
    if start == _ZSTD:
        yield from zstd_lines(path)
    else:
        with gzip.open(path) if start.startswith(_GZIP) else path.open("rb") as lines:
            yield from lines


def _values(path: Path) -> Iterator[bytes]:
    """The JSON values of a file: one a line as long as that holds, then one after the other, whatever the lines."""
    lines = _lines(path)
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
        if not text.strip():
            continue
        value = _json(text)
        if value is None:
            yield from _concatenated(text + b"".join(lines), path, number)
        else:
            yield value


def _concatenated(text: bytes, path: Path, first_line: int) -> Iterator[bytes]:
    characters = text.decode(errors="surrogateescape")  # bytes that are no UTF-8 come back as they were
    start = _skip_space(characters, 0)
    while start < len(characters):
        try:
            end = _DECODER.raw_decode(characters, start)[1]
            value = _json(characters[start:end].encode(errors="surrogateescape"))
        except (ValueError, RecursionError) as error:
            start, value = getattr(error, "pos", start), None
        if value is None:
            raise TrainyardError(f"{path} is not JSON at line {first_line + characters.count(chr(10), 0, start)}")
        yield value
        start = _skip_space(characters, end)


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _json(text: bytes) -> bytes | None:
    """The text, mended where needed, if it is one JSON value; None if it is not."""
    for candidate in (text, mended(text)):
        try:
            return bytes(_VALUE.decode(candidate))
        except (msgspec.DecodeError, RecursionError):
            continue
    return None


def _documents(value: bytes) -> Iterator[bytes]:
    """The documents in a JSON value. What is no envelope counts as one: what is wrong with it shows downstream."""
    if value.startswith(b"["):
        for item in _LIST.decode(value):
            yield from _documents(bytes(item))
    elif value.startswith(b"{"):
        envelope = _ENVELOPE.decode(value)
        inner = bytes(envelope.Results) or bytes(envelope.TrainingJob)
        if envelope.detail_type is not None:
            if envelope.detail_type == _EVENT:  # whole, for it is no record
                yield value
        elif inner:
            yield from _documents(inner)
        elif not bytes(envelope.TrainingJobSummaries):
            yield value
    else:
        yield value


def _is_job(document: bytes) -> bool:
    if named_by(document):
        return True
    try:
        job = _JOB.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return any((job.TrainingJobArn, job.TrainingJobName, job.TrainingJobStatus))
