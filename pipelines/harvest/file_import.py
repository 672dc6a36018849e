"""Import of files into the archive, as the source ``import``, beside what is harvested.

Here: that a file is taken once, and when its documents were so. Not here: what files look like inside.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from pipelines.errors import TrainyardError
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.file_documents import read_documents
from pipelines.harvest.intake import BATCH_DOCUMENTS
from pipelines.harvest.outcome import Outcome
from pipelines.harvest.redact import Redactor

IMPORT = "import"

_LEAST_MILLISECONDS = 1e11  # as seconds that would be the year 5138; as milliseconds it is 1973
_USERS_OWN = frozenset({"Environment", "HyperParameters", "Tags"})  # no service's times in there


def import_files(
    archive: RawArchive,
    files: Iterable[Path],
    redactor: Redactor,
    on_batch: Callable[[list[Observation]], None] = lambda batch: None,
) -> Outcome:
    """Write the documents of files to raw, each file whole before the next; a file imported before adds nothing.

    ``on_batch`` is called with what is about to be written. Of a file that cannot be read, or holds no training job,
    nothing is written; the outcome says so of each.
    """
    started = time.monotonic()
    documents = batches = 0
    errors = []
    labels = archive.labels(IMPORT)
    for file in files:
        try:
            for batch, label in _batches(file, redactor, labels):
                on_batch(batch)
                archive.append(IMPORT, batch, label=label)
                labels |= {label} if label else set()
                documents += len(batch)
                batches += 1
        except TrainyardError as error:
            errors.append(str(error))
    return Outcome(IMPORT, documents, 0, batches, "; ".join(errors) or None, time.monotonic() - started)


def _batches(file: Path, redactor: Redactor, labels: set[str]) -> Iterator[tuple[list[Observation], str | None]]:
    """What is to be written of a file; the last batch is labelled with the digest of the file: it is all there then."""
    try:
        with file.open("rb") as content:
            label = hashlib.file_digest(content, "sha256").hexdigest()[:32]
    except OSError as error:
        raise TrainyardError(f"{file} cannot be read: {error.strerror}") from None
    if label in labels:
        return
    count, newest, now = 0, 0.0, time.time()
    for document in read_documents(file):
        count += 1
        newest = max(newest, _newest_instant(document, now))
    observed_at = newest or min(file.stat().st_mtime, now)
    observations = (Observation(observed_at, redactor.redact(document)) for document in read_documents(file))
    for start in range(0, count, BATCH_DOCUMENTS):
        is_last = start + BATCH_DOCUMENTS >= count
        yield list(islice(observations, BATCH_DOCUMENTS)), label if is_last else None


def _newest_instant(document: bytes, now: float) -> float:
    """The latest time in a document, in epoch seconds, but for those that are still to come; 0.0 if there is none."""
    try:
        instants = _instants("", msgspec.json.decode(document))
        return max((instant for instant in instants if instant <= now), default=0.0)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0.0


def _instants(name: str, value: Any) -> Iterator[float]:
    """The times at any depth, in epoch seconds: members whose name ends in Time or Timestamp."""
    if isinstance(value, dict):
        for member, inner in value.items():
            if member not in _USERS_OWN:
                yield from _instants(member, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _instants(name, inner)
    elif name.endswith(("Time", "Timestamp")):
        seconds = _seconds(value)
        if seconds is not None:
            yield seconds


def _seconds(value: Any) -> float | None:
    """A time as any dialect writes it: epoch seconds or milliseconds, as a number or text, or ISO 8601 (else UTC)."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is not None:
        return number / 1000 if number > _LEAST_MILLISECONDS else number
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
