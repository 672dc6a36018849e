"""The data directory: where each layer's files are, and the lock that lets one process at a time write there.

Not here: what the files hold.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.errors import TrainyardError

LOCK_TIMEOUT_SECONDS = 600


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

    @contextmanager
    def writing(self, timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Iterator[Path]:
        """Hold the lock of the one writer (the system frees it when its process dies) and give an empty work folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / ".lock")
        try:
            lock.acquire(timeout=timeout_seconds)
        except Timeout:
            raise TrainyardError(
                f"another Trainyard process has been writing to {self.root} for {timeout_seconds:.0f} s:"
                " wait until it has ended, or end it"
            ) from None
        except OSError as error:
            raise TrainyardError(f"{self.root} cannot be written: {error.strerror}") from None
        try:
            yield _emptied(self.root / ".work")
        finally:
            lock.release()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
