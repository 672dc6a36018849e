"""Going through all sources side by side, one thread each. Here: the threads, and what came of each source.

Not here: what is done with a source, and which sources there are.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pipelines.harvest.outcome import FAILURES, Outcome, explain
from pipelines.harvest.sources import Source

MOST_AT_ONCE = 16

# The name of a source, how many jobs (or of `cloudwatch`, points) its work has gone through, its calls so far. Called
# from threads of the sources.
OnProgress = Callable[[str, int, int], None]

_log = logging.getLogger(__name__)


class Work(Protocol):
    """What is to be done with a source, and how far that is."""

    @property
    def documents(self) -> int:
        """How much came so far, counted as in ``Outcome``."""

    @property
    def batches(self) -> int:
        """In how many parts it was kept."""

    @property
    def calls(self) -> int:
        """Calls made."""

    @property
    def warnings(self) -> Sequence[str]:
        """Lines that tell what could not be asked in full."""

    def run(self) -> None:
        """Do it; what it raises is the source's failure."""


def side_by_side(
    found: Sequence[Source | Outcome],
    work_on: Callable[[Source, Callable[[int], None]], Work],
    on_progress: OnProgress | None = None,
) -> list[Outcome]:
    """Do the work on every source; gives the outcome of each in order, also what came in place of a source.

    ``work_on`` gets a source and a function to call with how far it is, which may end the thread; it only makes the
    work, for what fails must do so in ``run``. A source that fails says so in its outcome; the others
    go on.
    """
    outcomes: dict[str, Outcome] = {}
    turn = threading.BoundedSemaphore(MOST_AT_ONCE)
    stopped = threading.Event()

    def do(source: Source) -> None:
        def on_jobs(jobs: int) -> None:
            if stopped.is_set():
                raise SystemExit  # ends this thread alone
            if on_progress:
                on_progress(source.name, jobs, work.calls)

        with turn:
            work = work_on(source, on_jobs)
            outcomes[source.name] = _outcome(source.name, work)

    # Daemons: a thread in a long call must not keep an interrupted process alive.
    sources = [source for source in found if isinstance(source, Source)]
    threads = [threading.Thread(target=do, args=(source,), daemon=True) for source in sources]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stopped.set()
    return [outcomes[source.name] if isinstance(source, Source) else source for source in found]


def _outcome(source: str, work: Work) -> Outcome:
    started, error = time.monotonic(), None
    try:
        work.run()
    except FAILURES as failure:
        error = explain(failure)
    except Exception as failure:  # a fault of this program: the others go on all the same
        _log.exception("Work on %s failed", source)
        error = explain(failure)
    seconds = time.monotonic() - started
    return Outcome(source, work.documents, work.calls, work.batches, error, seconds, tuple(work.warnings))
