"""What is noted of a published file, with the build that it is of, so that the next one may be made from a copy of it.

    builds/<build>/published.json

Here: the note, and finding that of the file which is in place. Not here: making a file (``publish``).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from pipelines import files

_NAME = "published.json"


class Stamp(msgspec.Struct, frozen=True):
    """What tells a file from another one that was put in its place, and from itself after it was written to."""

    inode: int
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """That of a file of which this was found."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


class Note(msgspec.Struct, frozen=True):
    """A published file; ``made_by``: the fingerprint of the tables and programs that made it.

    ``anew_bytes`` and ``anew_at``, in epoch seconds: its size when it was last written anew, and when that was.
    """

    file: Stamp
    made_by: str
    anew_bytes: int
    anew_at: float


class Noted(NamedTuple):
    """The folder of a build, and the note of the file that was published of it."""

    build: Path
    note: Note


def write_note(build: Path, note: Note) -> None:
    """Keep it with the build in this folder."""
    files.write_whole(build / _NAME, msgspec.json.encode(note))


def take_note(builds: Path, target: Path) -> Noted | None:
    """The build that ``target`` is of, and its note, which is removed.

    None if there is none, or if the file is not as it was noted. If what follows fails, the next publish finds none.
    """
    for path in builds.glob(f"*/{_NAME}"):
        # It may be another release's, and there may be no file.
        with suppress(msgspec.DecodeError, UnicodeDecodeError, FileNotFoundError):
            note = msgspec.json.decode(path.read_bytes(), type=Note)
            if note.file == Stamp.of(target.stat()):
                path.unlink()
                return Noted(path.parent, note)
    return None


def forget_notes(builds: Path) -> None:
    """Have the next publish write the file anew, whatever the one in its place is like."""
    for path in builds.glob(f"*/{_NAME}"):
        path.unlink()
