"""`trainyard verify`: the lake held against the service, and what differs repaired.

Here: all sources side by side, and what came of each. One idea a module: ``windows`` finds where two sides differ by
counting, ``held`` is the lake's side, ``comparison`` is what is done about one source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
from pipelines.verify.comparison import Comparison, Found
from pipelines.verify.held import Held, tell_held


@dataclass(frozen=True)
class Verification:
    """What came of one source, and what was found there; ``found`` is None where it could not be begun with."""

    outcome: Outcome
    found: Found | None


def verify(settings: Settings, on_progress: OnProgress | None = None) -> list[Verification]:
    """Hold the lake against every source and repair it; gives what came of each, and keeps the outcomes."""
    home = Home(settings.home)
    comparisons: dict[str, Comparison] = {}
    try:
        with home.writing() as work:
            load(home)
            outcomes = _hold(settings, home, work, comparisons, on_progress)
            load(home)
    except duckdb.Error as error:
        raise explained(error, home) or error from None
    found = {source: comparison.found for source, comparison in comparisons.items()}
    return [Verification(outcome, found.get(outcome.source)) for outcome in outcomes]


def told(verifications: Iterable[Verification]) -> list[str]:
    """A line for each source, of what was found and done, and one of what is left to do."""
    begun = [(each.outcome, each.found) for each in verifications if each.found]
    lines = [f"{outcome.source}: {found.told(outcome.calls)}" for outcome, found in begun]
    if any(found.has_repaired for _, found in begun):
        lines.append("repaired: `trainyard build` publishes it")
    return lines


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
