"""Writing files so that they are there whole or not at all, whatever stops the process.

Here: the few steps (write beside, fsync, rename, fsync the folder) that every durable file goes through.
Not here: what the files hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

FSYNCS_AT_ONCE = 16


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path beside ``target`` to write to; when the block ends well, it becomes ``target`` in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield beside
        fsync(beside)
        beside.replace(target)
        fsync(target.parent)
    except OSError as error:  # what a write raises does not name its file
        error.filename = error.filename or str(target)
        raise
    finally:
        beside.unlink(missing_ok=True)


def leftovers(folder: Path) -> list[Path]:
    """What processes that were killed left at any depth beside the files that they were writing."""
    return list(folder.rglob(".*.tmp*"))


def write_whole(target: Path, content: bytes) -> None:
    """Write ``content`` to ``target``: readers see the old content or the new, never a part."""
    with replacing(target) as beside:
        beside.write_bytes(content)


def fsync(path: Path) -> None:
    """Make a file, or the entries of a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_all(paths: Iterable[Path], root: Path) -> None:
    """Make files below ``root``, and the folders from theirs up to it, survive a power cut: at once, so waits merge."""
    paths = set(paths)
    folders: set[Path] = set()
    for path in paths:
        folder = path.parent
        while folder not in folders and folder != root:  # what is above one that was seen was seen with it
            folders.add(folder)
            folder = folder.parent
    with ThreadPoolExecutor(FSYNCS_AT_ONCE) as threads:
        for step in (paths, folders | {root}):
            list(threads.map(fsync, step))
