"""Harvest all sources side by side. Here: the threads and the outcomes. Not here: what a source is or a pass does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pipelines.config import Settings
from pipelines.harvest.calls import Calls
from pipelines.harvest.one_pass import Pass
from pipelines.harvest.outcome import FAILURES, Outcome, explain
from pipelines.harvest.redact import Redactor
from pipelines.harvest.sources import Source, find_sources

MOST_AT_ONCE = 16

_log = logging.getLogger(__name__)


def harvest(settings: Settings, on_progress: Callable[[str, int], None] | None = None) -> list[Outcome]:
    """Bring raw up to date with every source; gives the outcome of each, in the order of the settings.

    A source that fails says so in its outcome and keeps what it has; the others go on. ``on_progress`` is called, from
    threads of the sources, with a source's name and the number of its new documents so far.
    """
    found = find_sources(settings)
    redactor = Redactor(settings.secret_keys)
    outcomes: dict[str, Outcome] = {}
    turn = threading.BoundedSemaphore(MOST_AT_ONCE)
    stopped = threading.Event()

    def work(source: Source) -> None:
        def on_page(documents: int) -> None:
            if stopped.is_set():
                raise SystemExit  # ends this thread alone
            if on_progress:
                on_progress(source.name, documents)

        with turn:
            calls = Calls(source.client, source.new_client)
            one_pass = Pass(
                source.name, calls, settings.home, redactor, on_page, settings.overlap_seconds, settings.describe
            )
            outcomes[source.name] = _outcome(one_pass)

    # Daemons: a thread in a long call must not keep an interrupted process alive.
    sources = [source for source in found if isinstance(source, Source)]
    threads = [threading.Thread(target=work, args=(source,), daemon=True) for source in sources]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stopped.set()
    return [outcomes[source.name] if isinstance(source, Source) else source for source in found]


def _outcome(one_pass: Pass) -> Outcome:
    started = time.monotonic()
    error = None
    try:
        one_pass.run()
    except FAILURES as failure:
        error = explain(failure)
    except Exception as failure:  # a fault of this program: the others go on all the same
        _log.exception("Harvest of %s failed", one_pass.source)
        error = explain(failure)
    seconds = time.monotonic() - started
    return Outcome(
        one_pass.source, one_pass.documents, one_pass.calls, one_pass.batches, error, seconds, one_pass.warnings
    )
