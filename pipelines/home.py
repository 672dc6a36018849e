"""The data directory: where each layer's files are, and the lock that lets one process at a time write there.

A data directory that is in a bucket has a working copy on this machine (``bucket``), a folder named by its address. Not
here: what the files hold.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import msgspec
from filelock import FileLock, Timeout

from pipelines.errors import TrainyardError

if TYPE_CHECKING:
    from pipelines.bucket.mirror import Mirror

BUCKET = "s3://"

# A step of a scheduled run waits so long for a command that writes. A command does not wait: it says who writes.
STEP_WAIT_SECONDS = 600
# Longer than a reader takes to bring the small files of a bucket here, holding the lock.
READER_WAIT_SECONDS = 5


class _Writer(msgspec.Struct):
    """Who holds the lock: a process, and since when."""

    process: int
    host: str
    since: datetime


def make_private() -> None:
    """Files that this process creates from here on are its user's alone: documents tell of code, data and people."""
    os.umask(0o077)


def working_copy(url: str, cache: Path) -> Path:
    """The folder, below ``cache``, that is the working copy of the data directory at ``s3://bucket/prefix``."""
    return cache / quote(url, safe="")


@dataclass(frozen=True)
class Home:
    """The folders below ``TRAINYARD_HOME``, or below the working copy of what is in a bucket there."""

    root: Path

    @property
    def url(self) -> str | None:
        """The address of the data directory if it is in a bucket."""
        url = unquote(self.root.name)
        return url if url.startswith(BUCKET) else None

    @property
    def place(self) -> str:
        """Where the data directory is, for people."""
        return self.url or str(self.root)

    def address(self, path: Path) -> str:
        """Where a file or folder of it is: its path, or its address in the bucket."""
        return f"{self.url}/{path.relative_to(self.root).as_posix()}" if self.url else str(path)

    def removal(self, path: Path) -> str:
        """How to be rid of a small file: of one that is in a bucket, there too, or it is brought here again."""
        return f"remove it and {self.address(path)}" if self.url else "remove it"

    @cached_property
    def mirror(self) -> Mirror | None:
        """What keeps the working copy, if the data directory is in a bucket."""
        if not self.url:
            return None
        from pipelines.bucket.mirror import Mirror  # slow to import
        from pipelines.bucket.objects import Bucket

        return Mirror(self.root, Bucket(self.url))

    @property
    def raw(self) -> Path:
        """Documents as received, append-only."""
        return self.root / "raw"

    @property
    def lake(self) -> Path:
        """Typed Parquet and its manifest."""
        return self.root / "lake"

    @property
    def metrics(self) -> Path:
        """What CloudWatch measured, and its manifest."""
        return self.root / "metrics"

    @property
    def quarantine(self) -> Path:
        """Documents that could not be read, each with its reason."""
        return self.root / "quarantine"

    @property
    def fetched(self) -> Path:
        """Rows of reference tables that AWS was asked for."""
        return self.root / "fetched"

    @property
    def reference(self) -> Path:
        """The user's own rows of reference tables."""
        return self.root / "reference"

    @property
    def builds(self) -> Path:
        """Parquet of every model, one folder a build."""
        return self.root / "builds"

    @property
    def links(self) -> Path:
        """Lists of the files in force, for engines that read by a Hive catalogue."""
        return self.root / "links"

    @property
    def warehouse(self) -> Path:
        """The published DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def dashboard(self) -> Path:
        """The page that draws it."""
        return self.root / "dashboard.html"

    @property
    def demo(self) -> Path:
        """There if the jobs are the demo's; holds the endpoint that it made them up at."""
        return self.root / "demo"

    def see_that_jobs_belong(self, endpoint: str | None = None) -> None:
        """Raise TrainyardError where jobs of an endpoint, or of files, would come among the made-up ones of a demo."""
        if self.demo.exists() and self.demo.read_text("utf-8") != endpoint:
            raise TrainyardError(
                f"{self.place} holds the made-up jobs of `trainyard demo`: remove it, or set TRAINYARD_HOME to another"
                " directory"
            )

    def create(self) -> None:
        """Make the directory if there is none: others may pass through it to the warehouse, and see nothing else."""
        try:
            self.root.mkdir(parents=True)
        except FileExistsError:
            return
        self.root.chmod(0o711)

    def pull(self, *, with_lake: bool = False) -> None:
        """Bring the small files, the names of raw and, if asked for, the lake's files here, if they are in a bucket.

        Where a process of this machine writes, they are as new as can be.
        """
        if self.mirror and not self._lock.is_locked:
            self.create()
            with suppress(Timeout), self._lock.acquire(timeout=0):
                self.mirror.pull(with_lake=with_lake)

    def pull_warehouse(self) -> None:
        """Bring the published file here, if it is in a bucket."""
        if self.mirror:
            self.create()
            self.mirror.pull_warehouse()

    @contextmanager
    def writing(self, wait_seconds: float = STEP_WAIT_SECONDS) -> Iterator[Path]:
        """Hold the lock of the one writer (the system frees it when its process dies) and give an empty work folder.

        A process that holds it may take it again. Raises TrainyardError, after the wait, where another one does.
        """
        self.create()
        lock = self._lock
        try:
            lock.acquire(timeout=max(wait_seconds, READER_WAIT_SECONDS if self.url else 0))
        except Timeout:
            raise TrainyardError(f"{self._writer()}: wait until it has ended, or end it") from None
        try:
            with ExitStack() as among_machines:
                if lock.lock_counter == 1:
                    note = _Writer(os.getpid(), socket.gethostname(), datetime.now(UTC))
                    self._note.write_bytes(msgspec.json.encode(note))
                    if self.mirror:
                        among_machines.enter_context(self.mirror.writing(wait_seconds))
                    _empty(self.root / ".work")
                yield self.root / ".work"
        except OSError as error:  # what a write raises does not name its file
            error.filename = error.filename or str(self.root)
            raise
        finally:
            if lock.lock_counter == 1:
                with suppress(OSError):
                    self._note.unlink()
            lock.release()

    @property
    def _lock(self) -> FileLock:
        return FileLock(self.root / ".lock", is_singleton=True, thread_local=False)

    @property
    def _note(self) -> Path:
        return self.root / ".writer.json"

    def _writer(self) -> str:
        try:
            writer = msgspec.json.decode(self._note.read_bytes(), type=_Writer)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # it has only just begun
            return f"another process is writing to {self.place}"
        since = f"{writer.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"process {writer.process} on {writer.host} has been writing to {self.place} since {since}"


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
