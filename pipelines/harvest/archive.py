"""The raw archive: every document as it was received (redacted), in immutable files, oldest first.

    raw/source=<source>/<sequence>[_<last>]-<watermark>[-<label>].ndjson.zst
    sources/<source>.json

A batch is one file, written whole; a line of it is ``{"observed_at": <epoch seconds>, "document": <the bytes>}``. Where
a job took more than one call, each answer is kept as it was received, in members of their own before these two, and
they are put together when they are read (``whole``). In the place of a document that is not JSON stands what is wrong
with it and its text (see ``redact``). How far a source is harvested (its watermark, epoch microseconds) is read off the
names alone. Batches from a sequence to a ``last`` one may become one that stands for them, whether or not they are
still there (``merge``). The small file beside says when the service was last seen whole. Not here: where documents
come from, what is secret in them, what is in them.
"""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, NamedTuple, cast

import msgspec
import pyarrow as pa

from pipelines.errors import TrainyardError
from pipelines.files import fetch, remove, replacing, write_whole
from pipelines.harvest.whole import whole
from pipelines.home import Home

_BATCH = re.compile(
    r"(?P<sequence>\d{10})(_(?P<last>\d{10}))?-(?P<watermark>\d{16})(-(?P<label>[0-9a-f]+))?\.ndjson\.zst"
)


class Observation(NamedTuple):
    """A document (JSON) and when it was so, in epoch seconds; beside it what other calls told of the job, also JSON.

    ``description``: DescribeTrainingJob's answer, where the document is Search's. ``tags``: the list of ListTags, where
    the document is DescribeTrainingJob's answer.
    """

    observed_at: float
    document: bytes
    description: bytes = b""
    tags: bytes = b""


class _Line(msgspec.Struct):
    observed_at: float
    document: msgspec.Raw
    description: msgspec.Raw = msgspec.Raw()
    tags: msgspec.Raw = msgspec.Raw()


class _Look(msgspec.Struct):
    source: str
    last_complete_look_at: float


_LINE = msgspec.json.Decoder(_Line)
_PLAIN = b'{"observed_at":'


class RawArchive:
    """The batches below ``folder``; one process at a time may append to a source."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sources(self) -> list[str]:
        """Names of the sources that have a batch or are about to, sorted."""
        return sorted(path.name.removeprefix("source=") for path in self._folder.glob("source=*"))

    def batches(self, source: str, after: str | None = None) -> list[Path]:
        """The source's batches, oldest first; only those later than the batch named ``after``, if there is one."""
        folder = self._of(source)
        names = _in_force(path.name for path in folder.iterdir()) if folder.is_dir() else []
        # One that is no longer there was taken away, and what was received again in its place sorts anywhere.
        start = names.index(after) + 1 if after in names else 0
        return [folder / name for name in names[start:]]

    def append(
        self, source: str, observations: Iterable[Observation], watermark: int = 0, label: str | None = None
    ) -> Path:
        """Write a batch and give its path. ``label``, in hexadecimal, is kept in its name (see ``labels``).

        A watermark lower than the source's present one leaves that in force: it never goes back.
        """
        *_, last = (None, *self.batches(source))
        sequence = int(_last_sequence(last)) + 1 if last else 1
        reached = max(watermark, int(part_of(last, "watermark"))) if last else watermark
        suffix = f"-{label}" if label else ""
        batch = self._of(source) / f"{sequence:010d}-{reached:016d}{suffix}.ndjson.zst"
        with replacing(batch) as beside, _zstd_writer(beside) as file:
            for observation in observations:
                file.write(_line(*observation))
        return batch

    def watermark(self, source: str) -> int | None:
        """Up to where the source is harvested, in epoch microseconds; None if it never was."""
        batches = self.batches(source)
        return int(part_of(batches[-1], "watermark")) if batches else None

    def reaching(self, source: str, watermark: int) -> list[Path]:
        """The source's batches from the first on whose watermark is at least this, in epoch microseconds.

        Batches just before it that did not raise the watermark hold jobs in no order, so they are included.
        """
        batches = self.batches(source)
        reached = [0, *(int(part_of(batch, "watermark")) for batch in batches)]
        first = next((number for number in range(len(batches)) if reached[number + 1] >= watermark), len(batches))
        while first > 0 and reached[first] == reached[first - 1]:
            first -= 1
        return batches[first:]

    def labels(self, source: str) -> set[str]:
        """The labels of the source's batches."""
        return {part_of(batch, "label") for batch in self.batches(source)} - {""}

    def merge(self, batches: Sequence[Path]) -> None:
        """Put one in the place of batches that follow each other and have no label.

        Raises OSError, and changes nothing, if one of them is damaged.
        """
        first, last = batches[0], batches[-1]
        stem = f"{part_of(first, 'sequence')}_{_last_sequence(last)}-{part_of(last, 'watermark')}"
        with replacing(first.with_name(f"{stem}.ndjson.zst")) as beside:
            held = sha256()
            with _zstd_writer(beside) as file:
                for batch in batches:
                    for line in zstd_lines(batch):
                        held.update(line)
                        file.write(line)
            written = sha256()
            for line in zstd_lines(beside):
                written.update(line)
            if written.digest() != held.digest():
                raise OSError(errno.EIO, "It does not read as it was written", str(beside))
        for batch in batches:
            remove(batch)

    def read(self, batch: Path) -> Iterator[bytes]:
        """The lines of a batch, without line ends, a few at a time, each with one document: the whole of it."""
        for line in zstd_lines(batch):
            stripped = line.rstrip(b"\n")
            if stripped.startswith(_PLAIN):
                yield stripped
            else:
                observation = _decoded(stripped)
                yield _line(observation.observed_at, whole(*observation[1:])).rstrip(b"\n")

    def observations(self, batch: Path) -> Iterator[Observation]:
        """What a batch was made of, each answer as it was received; of a damaged one those that can be read."""
        with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
            for line in zstd_lines(batch):
                yield _decoded(line)

    def _of(self, source: str) -> Path:
        return self._folder / f"source={source}"


@contextmanager
def _zstd_writer(path: Path) -> Iterator[IO[bytes]]:
    stream = cast(io.RawIOBase, pa.output_stream(str(path), compression="zstd"))
    with stream, io.BufferedWriter(stream, 1 << 20) as buffered:
        yield buffered


def zstd_lines(path: Path) -> Iterator[bytes]:
    """The lines of a compressed file, with their line ends, a few at a time; raises OSError if it is damaged."""
    fetch([path])
    if not path.stat().st_size:
        raise OSError("Empty file")
    with pa.input_stream(str(path), compression="zstd") as stream:
        yield from io.BufferedReader(cast(io.RawIOBase, stream), 1 << 20)


def write_last_look(home: Path, source: str, looked_at: float) -> None:
    """Note that all of the source's changes up to ``looked_at`` (epoch seconds, the service's clock) are in raw."""
    write_whole(home / "sources" / f"{source}.json", msgspec.json.encode(_Look(source, looked_at)))


def last_look(home: Path, source: str) -> float | None:
    """Until when the source's jobs are known, in epoch seconds; None if it was never harvested completely."""
    path = home / "sources" / f"{source}.json"
    return _look(path).last_complete_look_at if path.exists() else None


def last_looks(home: Path) -> dict[str, float]:
    """The same of each source that was ever harvested completely."""
    looks = [_look(path) for path in sorted((home / "sources").glob("*.json"))]
    return {look.source: look.last_complete_look_at for look in looks}


def _look(path: Path) -> _Look:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Look)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = f"{Home(path.parents[1]).removal(path)}, `trainyard run` writes it anew"
        message = f"{path} is damaged ({error}): {remedy}"
        raise TrainyardError(message) from None


def part_of(batch: Path, part: str) -> str:
    """What a batch's name says: its ``sequence``, ``watermark`` or ``label``; "" if that is not there."""
    match = _BATCH.fullmatch(batch.name)
    assert match, f"{batch} is not named as a batch"
    return match[part] or ""


def _last_sequence(batch: Path) -> str:
    return part_of(batch, "last") or part_of(batch, "sequence")


def _in_force(names: Iterable[str]) -> list[str]:
    """The names of batches in order, without those in whose place there is a merged one."""
    kept: list[str] = []
    merged = ""
    for name in sorted(filter(_BATCH.fullmatch, names), key=lambda name: (name[:10], "_" not in name, name)):
        if name[:10] > merged:
            kept.append(name)
            merged = _last_sequence(Path(name)) if "_" in name else merged
    return kept


def _line(observed_at: float, document: bytes, description: bytes = b"", tags: bytes = b"") -> bytes:
    others = b'"description":%s,' % _one_line(description) if description else b""
    if tags:
        others += b'"tags":%s,' % _one_line(tags)
    return b'{%s"observed_at":%a,"document":%s}\n' % (others, observed_at, _one_line(document))


def _decoded(line: bytes) -> Observation:
    decoded = _LINE.decode(line)
    return Observation(decoded.observed_at, bytes(decoded.document), bytes(decoded.description), bytes(decoded.tags))


def _one_line(document: bytes) -> bytes:
    """The document without line ends: in JSON they can only stand between tokens."""
    if b"\n" in document or b"\r" in document:
        return msgspec.json.format(document, indent=-1)
    return document
