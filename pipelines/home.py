"""The data directory: where each layer's files are, and the lock that lets one process at a time write there.

Not here: what the files hold.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from pipelines.errors import TrainyardError

# A step of a scheduled run waits so long for a command that writes. A command does not wait: it says who writes.
STEP_WAIT_SECONDS = 600


class _Writer(msgspec.Struct):
    """Who holds the lock: a process, and since when."""

    process: int
    host: str
    since: datetime


def make_private() -> None:
    """Files that this process creates from here on are its user's alone: documents tell of code, data and people."""
    os.umask(0o077)


@dataclass(frozen=True)
class Home:
    """The folders below ``TRAINYARD_HOME``."""

    root: Path

    @property
    def raw(self) -> Path:
        """Documents as received, append-only."""
        return self.root / "raw"

    @property
    def lake(self) -> Path:
        """Typed Parquet and its manifest."""
        return self.root / "lake"

    @property
    def quarantine(self) -> Path:
        """Documents that could not be read, each with its reason."""
        return self.root / "quarantine"

    @property
    def builds(self) -> Path:
        """Parquet of every model, one folder a build."""
        return self.root / "builds"

    @property
    def warehouse(self) -> Path:
        """The published DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def demo(self) -> Path:
        """There if the jobs are the demo's; holds the endpoint that it made them up at."""
        return self.root / "demo"

    def see_that_jobs_belong(self, endpoint: str | None = None) -> None:
        """Raise TrainyardError where jobs of an endpoint, or of files, would come among the made-up ones of a demo."""
        if self.demo.exists() and self.demo.read_text() != endpoint:
            raise TrainyardError(
                f"{self.root} holds the made-up jobs of `trainyard demo`: remove it, or set TRAINYARD_HOME to another"
                " directory"
            )

    def create(self) -> None:
        """Make the directory if there is none: others may pass through it to the warehouse, and see nothing else."""
        try:
            self.root.mkdir(parents=True)
        except FileExistsError:
            return
        self.root.chmod(0o711)

    @contextmanager
    def writing(self, wait_seconds: float = STEP_WAIT_SECONDS) -> Iterator[Path]:
        """Hold the lock of the one writer (the system frees it when its process dies) and give an empty work folder.

        A process that holds it may take it again. Raises TrainyardError, after the wait, where another one does.
        """
        self.create()
        lock = FileLock(self.root / ".lock", is_singleton=True, thread_local=False)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise TrainyardError(f"{self._writer()}: wait until it has ended, or end it") from None
        try:
            if lock.lock_counter == 1:
                note = _Writer(os.getpid(), socket.gethostname(), datetime.now(UTC))
                self._note.write_bytes(msgspec.json.encode(note))
            yield _emptied(self.root / ".work")
        except OSError as error:  # what a write raises does not name its file
            error.filename = error.filename or str(self.root)
            raise
        finally:
            lock.release()

    @property
    def _note(self) -> Path:
        return self.root / ".writer.json"

    def _writer(self) -> str:
        try:
            writer = msgspec.json.decode(self._note.read_bytes(), type=_Writer)
        except (OSError, msgspec.DecodeError):  # it has only just begun
            return f"another process is writing to {self.root}"
        since = f"{writer.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"process {writer.process} on {writer.host} has been writing to {self.root} since {since}"


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    return folder
