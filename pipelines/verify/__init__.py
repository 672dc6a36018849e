"""`trainyard verify`: the lake held against the service, and what differs repaired.

Here: all sources side by side, and what came of each. One idea a module: ``windows`` finds where two sides differ by
counting, ``held`` is the lake's side, ``comparison`` is what is done about one source.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from pipelines.config import Settings
from pipelines.harvest.calls import Calls
from pipelines.harvest.outcome import VERIFICATION, Outcome, keep_outcomes
from pipelines.harvest.side_by_side import OnProgress, side_by_side
from pipelines.harvest.sources import Source, find_sources
from pipelines.home import Home
from pipelines.lake.damage import explained
from pipelines.lake.load import load
from pipelines.verify.comparison import Comparison
from pipelines.verify.held import Held, tell_held


def verify(settings: Settings, log: Callable[[str], None], on_progress: OnProgress | None = None) -> list[Outcome]:
    """Hold the lake against every source and repair it; gives the outcome of each, and keeps them.

    ``log`` is told in a line for each source what was found and done, and what is left to do.
    """
    home = Home(settings.home)
    comparisons: dict[str, Comparison] = {}
    try:
        with home.writing() as work:
            load(home)
            outcomes = _hold(settings, home, work, comparisons, on_progress)
            load(home)
    except duckdb.Error as error:
        raise explained(error, home) or error from None
    for outcome in outcomes:
        if outcome.source in comparisons:
            log(f"{outcome.source}: {comparisons[outcome.source].told}")
    if any(comparison.has_repaired for comparison in comparisons.values()):
        log("repaired: `trainyard build` publishes it")
    return outcomes


def _hold(
    settings: Settings, home: Home, work: Path, comparisons: dict[str, Comparison], on_progress: OnProgress | None
) -> list[Outcome]:
    """Compare every source with the lake as it is now; ``comparisons`` gets them by their names."""
    with duckdb.connect() as connection:
        found = find_sources(settings)
        names = [source.name for source in found if isinstance(source, Source)]
        tell_held(connection, home, work, names)
        held = {name: Held(connection.cursor(), name) for name in names}

        def work_on(source: Source, on_jobs: Callable[[int], None]) -> Comparison:
            calls = Calls(source.client, source.new_client)
            comparison = Comparison(source.name, calls, settings, held[source.name], on_jobs)
            return comparisons.setdefault(source.name, comparison)

        outcomes = side_by_side(found, work_on, on_progress)
    keep_outcomes(home.root, VERIFICATION, outcomes, time.time())
    return outcomes
