"""The training jobs that the simulator serves, each as its final document.

Here: holding and loading them. Not here: what a document was at an earlier instant (``rewind``).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from pipelines.errors import TrainyardError

Document = dict[str, Any]


class Fleet:
    """Documents in the API's JSON wire shape: TrainingJob members, timestamps as epoch seconds."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = list(documents)

    @classmethod
    def load(cls, path: str | Path) -> Fleet:
        """Read one document a line from ``path`` (``.ndjson``, also ``.gz`` or ``.zst``).

        Raises ``TrainyardError`` where there is no such file, or a line is not a JSON object.
        """
        try:
            with _open(Path(path)) as lines:
                return cls(_document(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip())
        except (OSError, EOFError) as error:
            raise TrainyardError(f"cannot read the fleet {path}: {error}") from error

    @cached_property
    def accounts(self) -> list[str]:
        """The account ids found in the ARNs, in order of appearance."""
        return list(dict.fromkeys(account for account, _ in map(place, self.documents) if account))


def place(document: Document) -> tuple[str, str]:
    """Account id and region of a job, from its ARN; empty where it has none."""
    parts = str(document.get("TrainingJobArn")).split(":")
    return (parts[4], parts[3]) if len(parts) > 5 else ("", "")


def _open(path: Path) -> io.BufferedIOBase:
    if path.suffix == ".gz":
        return gzip.open(path)
    if path.suffix == ".zst":
        stream: Any = pa.input_stream(str(path), compression="zstd")
        return io.BufferedReader(stream)
    return path.open("rb")


def _document(line: bytes, where: str) -> Document:
    try:
        return msgspec.json.decode(line, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TrainyardError(f"{where} is not a JSON object: {error}") from error
