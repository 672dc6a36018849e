"""Training jobs in files, however they came there.

Here: finding the documents in a ``Search`` or ``Describe`` response, the command line's output, a Step Functions task's
output, EventBridge events, or lists, concatenations and lines of any of these, plain or compressed. Each is given as it
was found; an event whole, for it is no record. What is not JSON is given too, in as small pieces as can be told apart.
Not here: what its members mean in that dialect, what is wrong with it, nor where it goes.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import msgspec

from pipelines.errors import TrainyardError
from pipelines.flatten.dialects import EVENT
from pipelines.harvest import broken
from pipelines.harvest.archive import zstd_lines
from pipelines.harvest.mend import mended

_EVENT = b'"%s"' % EVENT.encode()
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class _Envelope(msgspec.Struct):
    """What may stand around training jobs."""

    Results: msgspec.Raw = msgspec.Raw()
    TrainingJob: msgspec.Raw = msgspec.Raw()
    TrainingJobSummaries: msgspec.Raw = msgspec.Raw()
    detail_type: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="detail-type")


_VALUE = msgspec.json.Decoder(msgspec.Raw)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_JOB_MEMBER = re.compile(rb'"TrainingJob(Arn|Name|Status)"')
_BEGIN = re.compile(rb"[{\[]|[^{\[\s][^\r\n]*")  # of a list or object, or a line that can be neither
_OBJECT_LINE = re.compile(rb"\n({.*)")
_MOST_WITHIN = 5  # a list of pages, which have lists of results


def read_documents(path: Path) -> Iterator[bytes]:
    """The documents of a file in order, each the text found there; one per line are read a few at a time.

    Raises TrainyardError for a file that cannot be read or has no training job.
    """
    any_job = False
    try:
        for value in _values(path):
            for document in _documents(value):
                any_job = any_job or bool(_JOB_MEMBER.search(document))
                yield document
    except (OSError, EOFError, zlib.error) as error:
        raise TrainyardError(f"{path} cannot be read: {error}") from None
    if not any_job:
        hint = "`aws sagemaker search --resource TrainingJob` gives them; a list of summaries is not enough"
        raise TrainyardError(f"{path} holds no training jobs: {hint}")


def _lines(path: Path) -> Iterator[bytes]:
    """The lines that are not empty, without what ends them."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start == _ZSTD:
            lines: Iterable[bytes] = zstd_lines(path)
        else:
            lines = gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file
        for number, line in enumerate(lines):
            text = line.removeprefix(_BYTE_ORDER_MARK) if number == 0 else line
            if text := text.rstrip(b" \r\n\t"):
                yield text


def _values(path: Path) -> Iterator[bytes]:
    """The JSON values of a file: one a line as long as that holds, then one after the other, whatever the lines.

    One that is broken is given as it is, up to where the next one seems to begin.
    """
    lines = _lines(path)
    line = next(lines, None)
    while line is not None:
        following = next(lines, None)
        if _is_json(line):
            yield line.lstrip()
        elif following is None or (following.startswith(b"{") and not broken.awaits_element(line)):
            yield from _concatenated(line)
        else:
            yield from _concatenated(b"\n".join([line, following, *lines]))
            return
        line = following


def _is_json(line: bytes) -> bool:
    try:
        _VALUE.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _concatenated(text: bytes) -> Iterator[bytes]:
    end = 0
    while begin := _BEGIN.search(text, end):
        end = _end(text, begin.start()) if begin[0] in (b"{", b"[") else begin.end()
        yield text[begin.start() : end]


def _end(text: bytes, start: int) -> int:
    """Where the value ends that starts there; if it does not end, the line before the next value that does."""
    end = broken.end_of_value(text, start)
    if end is None:
        lines = _OBJECT_LINE.finditer(text, start)
        end = next((line.start(1) for line in lines if _is_json(line[1])), len(text))
    return end


def _documents(value: bytes, within: int = 0) -> Iterator[bytes]:
    """The documents in a JSON value, itself ``within`` so many lists or envelopes.

    What is no envelope counts as one: what is wrong with it shows downstream.
    """
    for text in (value, mended(value)):
        try:
            found = _found(text, within)
        except (msgspec.DecodeError, RecursionError):
            continue
        yield from found
        return
    yield from _found_in_broken(value, within)


def _found(value: bytes, within: int) -> Iterable[bytes]:
    """The documents in what is JSON; raises msgspec's errors for what is not."""
    if value.startswith(b"["):
        items = _LIST.decode(value)
        is_list_of_lists = within > _MOST_WITHIN
        return [value] if is_list_of_lists else chain.from_iterable(_documents(bytes(i), within + 1) for i in items)
    try:
        envelope = _ENVELOPE.decode(value)
    except msgspec.ValidationError:  # no object
        return [value]
    inner = bytes(envelope.Results) or bytes(envelope.TrainingJob)
    if bytes(envelope.detail_type):
        return [value] if bytes(envelope.detail_type) == _EVENT else []
    if inner:
        return _documents(inner, within + 1)
    return [] if bytes(envelope.TrainingJobSummaries) else [value]


def _found_in_broken(text: bytes, within: int) -> Iterator[bytes]:
    """The documents in what is not JSON: what is broken is as little as can be told apart."""
    found, is_whole = broken.parts(text)
    members = {part.name: part.text for part in found}
    if within > _MOST_WITHIN:
        yield text
    elif text.startswith(b"["):
        for part in found:
            yield from _documents(part.text, within + 1)
        if not is_whole and not (found and broken.fault(found[-1].text)):
            yield b""  # something is missing, and nobody else would say so
    elif "Results" in members or "TrainingJob" in members:
        yield from _documents(members.get("Results") or members["TrainingJob"], within + 1)
    else:
        yield text
