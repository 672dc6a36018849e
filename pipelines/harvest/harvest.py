"""Harvest all sources. Here: a pass over each, and keeping what came of it. Not here: what a source or a pass is."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.config import Settings
from pipelines.harvest.calls import Calls
from pipelines.harvest.one_pass import Pass
from pipelines.harvest.outcome import HARVEST, Outcome, keep_outcomes
from pipelines.harvest.redact import Redactor
from pipelines.harvest.side_by_side import OnProgress, side_by_side
from pipelines.harvest.sources import Source, find_sources


def harvest(settings: Settings, on_progress: OnProgress | None = None) -> list[Outcome]:
    """Bring raw up to date with every source; gives the outcome of each, in the order of the settings, and keeps them.

    A source that fails says so in its outcome and keeps what it has; the others go on.
    """
    redactor = Redactor(settings.secret_keys)

    def work_on(source: Source, on_jobs: Callable[[int], None]) -> Pass:
        calls = Calls(source.client, source.new_client)
        return Pass(source.name, calls, settings.home, redactor, on_jobs, settings.overlap_seconds, settings.describe)

    outcomes = side_by_side(find_sources(settings), work_on, on_progress)
    keep_outcomes(settings.home, HARVEST, outcomes, time.time())
    return outcomes
