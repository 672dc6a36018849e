"""How far a run is, for the one who waits: bars on a terminal, now and then a line elsewhere.

Not here: what is done, and what came of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipelines.terminal import printable

if TYPE_CHECKING:
    from pipelines.harvest.side_by_side import OnProgress

SECONDS_BETWEEN_LINES = 30.0

Log = Callable[[str], None]


class Bars:
    """On a terminal: a bar for each source with its jobs, calls and rate, below the line that was said last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._said = self._progress.add_task("starting", total=None, told="")
        self._of_source: dict[str, tuple[TaskID, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Say what is being done now."""
        self._progress.update(self._said, description=printable(line))

    def on_source(self, source: str, jobs: int, calls: int) -> None:
        """Show how far a source is."""
        with self._lock:
            if source not in self._of_source:
                self._of_source[source] = self._progress.add_task(source, total=None, told=""), time.monotonic()
            task, started = self._of_source[source]
        seconds = max(time.monotonic() - started, 1.0)
        told = f"{jobs:,} jobs  {calls:,} calls  {jobs / seconds:,.0f} jobs/s"
        self._progress.update(task, told=told)

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()


class Lines:
    """Elsewhere: each line as it is said, and how far a source is at most every ``seconds_between`` seconds."""

    def __init__(self, log: Log, seconds_between: float = SECONDS_BETWEEN_LINES) -> None:
        self._log = log
        self._seconds_between = seconds_between
        self._last_told: dict[str, float] = {}

    def on_source(self, source: str, jobs: int, calls: int) -> None:
        """Tell how far a source is, if it is time to."""
        now = time.monotonic()
        if now - self._last_told.setdefault(source, now) >= self._seconds_between:
            self._last_told[source] = now
            self._log(f"{source}: {jobs:,} jobs with {calls:,} calls so far")


def by_source(log: Log) -> OnProgress:
    """How to show how far each source is, where the other lines go to ``log``."""
    return log.on_source if isinstance(log, Bars) else Lines(log).on_source
