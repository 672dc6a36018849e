"""Writing files so that they are there whole or not at all, whatever stops the process.

Here: the few steps (write beside, fsync, rename, fsync the folder) that every durable file goes through, and where a
store takes part in them: below a folder that is the working copy of one, what the store does not have does not count.
Not here: what the files hold, and such a store (``bucket``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

FSYNCS_AT_ONCE = 16


class Store(Protocol):
    """Where else the files below a folder are, for other machines."""

    def replace(self, beside: Path, target: Path) -> None:
        """Make what is in ``beside`` the content of ``target`` in the store, then here."""

    def keep(self, paths: Iterable[Path]) -> None:
        """Take files in that nothing alters any more."""

    def share(self, paths: Iterable[Path], last: Path) -> None:
        """Take in files that nothing alters any more, and ``last`` after all others."""

    def remove(self, path: Path) -> None:
        """Remove a file from the store, then here."""

    def fetch(self, paths: Iterable[Path]) -> None:
        """Put files in the place of the links to where they are in the store."""


_stores: dict[Path, Store] = {}


@contextmanager
def durable_in(folder: Path, store: Store) -> Iterator[None]:
    """While the block runs, what is written below ``folder`` through this module goes to the store first."""
    _stores[folder] = store
    try:
        yield
    finally:
        del _stores[folder]


def _store_of(path: Path) -> Store | None:
    return next((store for folder, store in _stores.items() if path.is_relative_to(folder)), None)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path beside ``target`` to write to; when the block ends well, it becomes ``target`` in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = beside_of(target)
    try:
        yield beside
        fsync(beside)
        if store := _store_of(target):
            store.replace(beside, target)
        else:
            beside.replace(target)
        fsync(target.parent)
    except OSError as error:  # what a write raises does not name its file
        error.filename = error.filename or str(target)
        raise
    finally:
        beside.unlink(missing_ok=True)


def beside_of(target: Path) -> Path:
    """Where this process writes what is to become ``target``."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


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
    if store := _store_of(root):
        store.keep(paths)


def are_shared(folder: Path) -> bool:
    """Whether what is below a folder is to be seen by other machines."""
    return _store_of(folder) is not None


def share(paths: Iterable[Path], last: Path) -> None:
    """Let other machines see files that are all written; ``last`` tells them that these are all there."""
    if store := _store_of(last):
        store.share(paths, last)


def remove(path: Path) -> None:
    """Remove a file, whether or not it is there."""
    store = _store_of(path)
    if store and path.exists():
        store.remove(path)
    else:
        path.unlink(missing_ok=True)


def fetch(paths: Iterable[Path]) -> None:
    """See that files of one folder are here, of which only the names may be."""
    paths = list(paths)
    if paths and (store := _store_of(paths[0])):
        store.fetch(paths)
