"""Asking AWS for the rows of a reference table: each place that has jobs, at most once a day.

Here: whose turn it is, by which sources a place may be asked, and what came of it. A place that could not be asked
keeps its rows, and the next run asks again. Not here: what is asked (``price_list``, ``service_quotas``), and how what
was seen joins the rows (``history``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from pipelines.config import Settings
from pipelines.fetched.history import Look, Row, joined, read_looks, read_rows, write_looks, write_rows
from pipelines.harvest.calls import Calls, is_denied
from pipelines.harvest.outcome import Outcome, explain, keep_outcomes
from pipelines.harvest.side_by_side import side_by_side
from pipelines.harvest.sources import Source, find_sources
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest
from pipelines.models.reference import ReferenceTable


@dataclass(frozen=True)
class Told:
    """What a service told of a place: rows, the day by its own clock, and lines about what was not clear."""

    rows: list[Row]
    day: str
    warnings: list[str]


@dataclass(frozen=True)
class Service:
    """A service that tells rows of a table. ``name``: the kind of its outcomes; ``value``: the column that may change.

    ``place_of`` an account and a region: what is asked about at once, such as the region for prices. ``connect`` gives
    the calls to the service with a source's credentials, ``ask`` asks it about the source's place; both raise as
    ``Calls`` do.
    """

    name: str
    table: ReferenceTable
    value: str
    place_of: Callable[[str, str], str]
    connect: Callable[[Source], Calls]
    ask: Callable[[Source, Calls], Told]


def fetch(settings: Settings, service: Service) -> list[Outcome]:
    """Bring the rows up to date for the places whose turn it is; gives what came of each, and keeps that if any was.

    A place that fails says so in its outcome, and its rows stay.
    """
    home, now = Home(settings.home), time.time()
    looks = read_looks(home.fetched, service.table)
    partitions = read_manifest(home.lake).partitions
    places = {service.place_of(partition.account_id, partition.region) for partition in partitions}
    due = {place for place in places if place not in looks or day_of(looks[place].asked_at) != day_of(now)}
    if not due:
        return []
    found = find_sources(settings)
    works = {place: _Asking(service, sources) for place, sources in _by_place(service, found).items() if place in due}
    by_name = {work.sources[0].name: work for work in works.values()}
    outcomes = side_by_side([work.sources[0] for work in works.values()], lambda source, _: by_name[source.name])
    held = rows = read_rows(home.fetched, service.table)
    seen_on = {place: look.seen_on for place, look in looks.items()}
    for place, work in works.items():
        if work.told:
            rows = joined(service.table, service.value, rows, work.told.rows, work.told.day, seen_on.get(place))
            looks[place] = Look(now, work.told.day)
    if all(isinstance(each, Source) for each in found):
        # Of a place that none of them reaches there is nothing to ask, today.
        looks |= {place: Look(now, seen_on.get(place)) for place in due - works.keys()}
    if rows != held:
        write_rows(home.fetched, service.table, rows)
    write_looks(home.fetched, service.table, looks)
    if outcomes:
        keep_outcomes(home.root, service.name, outcomes, now)
    return outcomes


def _by_place(service: Service, found: Sequence[Source | Outcome]) -> dict[str, list[Source]]:
    """The sources that may be asked about each place."""
    sources: dict[str, list[Source]] = {}
    for source in found:
        if isinstance(source, Source) and source.account_id:
            sources.setdefault(service.place_of(source.account_id, source.region), []).append(source)
    return sources


def day_of(instant: float) -> str:
    """The day (UTC) of an instant in epoch seconds."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d}"


class _Asking:
    """Asking about one place, by the first of its sources that may."""

    batches = 0

    def __init__(self, service: Service, sources: Sequence[Source]) -> None:
        self.told: Told | None = None
        self.calls = 0
        self.warnings: list[str] = []
        self.sources = sources
        self._service = service

    @property
    def documents(self) -> int:
        """Rows that were told."""
        return len(self.told.rows) if self.told else 0

    def run(self) -> None:
        """Ask them in turn until one is allowed; raises the last one's denial, and any other failure at once."""
        for source in self.sources:
            calls = self._service.connect(source)
            try:
                self.told = self._service.ask(source, calls)
            except ClientError as error:
                if not is_denied(error) or source is self.sources[-1]:
                    raise
                self.warnings.append(f"{source.name}: {explain(error)}")
            else:
                self.warnings += self.told.warnings
                return
            finally:
                self.calls += calls.made.total()
