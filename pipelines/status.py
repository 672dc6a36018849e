"""How things stand: each source's watermark and last outcome, what lake and warehouse hold, what is in quarantine.

Here: reading that from the files alone, and showing it to people. Not here: changing anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
from rich.console import Console
from rich.table import Table

from pipelines.flatten.layout import lake_tables, main_table
from pipelines.harvest.archive import RawArchive, last_looks
from pipelines.harvest.due import read_due
from pipelines.harvest.outcome import CLOUDWATCH, HARVEST, VERIFICATION, Outcome, kept_outcomes
from pipelines.home import Home
from pipelines.lake.manifest import Manifest, read_manifest
from pipelines.lake.quarantine import Quarantine
from pipelines.price_list import PRICE_LIST
from pipelines.query import opened
from pipelines.service_quotas import SERVICE_QUOTAS
from pipelines.terminal import add_row, new_table, print_table, printable

# Of these the last time is told, or that there was none.
KINDS = (HARVEST, VERIFICATION)
OPTIONAL_KINDS = (CLOUDWATCH, PRICE_LIST.name, SERVICE_QUOTAS.name)
MOST_REASONS_SHOWN = 10


@dataclass(frozen=True)
class SourceStatus:
    """A source: up to when its changes are known, and its batches of raw documents."""

    source: str
    last_change_at: datetime | None
    complete_up_to: datetime | None
    batches: int
    batches_not_in_lake: int


@dataclass(frozen=True)
class LastTime:
    """The last time that all sources were gone through, and what came of each."""

    ended_at: datetime
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class LakeStatus:
    """What the lake holds; a generation is a commit."""

    generation: int
    jobs: int
    tables: int
    rows: int


@dataclass(frozen=True)
class WarehouseStatus:
    """The published file; without a build where it is none of Trainyard's."""

    path: str
    build_id: str | None
    built_at: datetime | None


@dataclass(frozen=True)
class Quarantined:
    """So many documents are in quarantine for this reason; ``path`` is that of the member which has it."""

    source: str
    path: str
    reason: str
    documents: int


@dataclass(frozen=True)
class Status:
    """All of it; ``last`` of a kind and ``warehouse`` are None where there was none yet."""

    data_directory: str
    sources: tuple[SourceStatus, ...]
    last: dict[str, LastTime | None]
    lake: LakeStatus
    warehouse: WarehouseStatus | None
    jobs_due: int
    quarantine: tuple[Quarantined, ...]


def read_status(home: Home) -> Status:
    """How things stand; raises TrainyardError where a file that tells it is damaged."""
    manifest = read_manifest(home.lake)
    quarantined = Counter((source, each.path, each.reason) for source, each in Quarantine(home.quarantine).lines())
    return Status(
        data_directory=home.place,
        sources=tuple(_sources(home, manifest)),
        last={
            **{kind: _last_time(home, kind) for kind in KINDS},
            **{kind: last for kind in OPTIONAL_KINDS if (last := _last_time(home, kind))},
        },
        lake=LakeStatus(
            generation=manifest.generation,
            jobs=manifest.rows(main_table().name),
            tables=len(lake_tables()),
            rows=sum(manifest.rows(table.name) for table in lake_tables()),
        ),
        warehouse=_warehouse(home),
        jobs_due=len(read_due(home.root)),
        quarantine=tuple(Quarantined(*why, documents) for why, documents in quarantined.most_common()),
    )


def show_status(status: Status, console: Console) -> None:
    """Print it for people."""
    console.print(f"data directory: {status.data_directory}", markup=False, soft_wrap=True)
    print_table(console, _table(status.sources))
    lake = status.lake
    lines = [
        *(line for kind, last in status.last.items() for line in _told_of_last(kind, last)),
        f"lake: {lake.jobs:,} jobs, {lake.rows:,} rows in {lake.tables} tables (generation {lake.generation})",
        _told_of_warehouse(status.warehouse),
        f"jobs due to be read again: {status.jobs_due:,}",
        f"quarantine: {sum(each.documents for each in status.quarantine):,} documents",
        *(
            f"  {each.documents:,} from {': '.join(filter(None, (each.source, each.path, each.reason)))}"
            for each in status.quarantine[:MOST_REASONS_SHOWN]
        ),
    ]
    for line in lines:
        console.print(printable(line), markup=False, soft_wrap=True)


def _sources(home: Home, manifest: Manifest) -> Iterator[SourceStatus]:
    archive, looks = RawArchive(home.raw), last_looks(home.root)
    for source in sorted({*archive.sources(), *looks}):
        watermark = archive.watermark(source)
        yield SourceStatus(
            source,
            last_change_at=_instant(watermark / 1e6) if watermark else None,
            complete_up_to=_instant(looks[source]) if source in looks else None,
            batches=len(archive.batches(source)),
            batches_not_in_lake=len(archive.batches(source, manifest.flattened.get(source))),
        )


def _last_time(home: Home, kind: str) -> LastTime | None:
    kept = kept_outcomes(home.root, kind)
    return LastTime(_instant(kept.ended_at), tuple(kept.outcomes)) if kept else None


def _warehouse(home: Home) -> WarehouseStatus | None:
    if not home.warehouse.exists():
        return None
    build_id = built_at = None
    with opened(home.warehouse) as connection:
        try:
            ((build_id, built_at),) = connection.execute("select build_id, built_at from marts.build_info").fetchall()
            built_at = built_at.replace(tzinfo=UTC)
        except (duckdb.CatalogException, duckdb.BinderException):
            pass  # somebody else's file
    return WarehouseStatus(str(home.warehouse), build_id, built_at)


def _table(sources: tuple[SourceStatus, ...]) -> Table:
    table = new_table("source", "last change seen", "complete up to", "batches", "batches not yet in the lake")
    for each in sources:
        instants = (_told(at) if at else "never" for at in (each.last_change_at, each.complete_up_to))
        add_row(table, each.source, *instants, str(each.batches), str(each.batches_not_in_lake))
    return table


def _told_of_last(kind: str, last: LastTime | None) -> Iterator[str]:
    """When all sources were last gone through, and what went wrong then with which."""
    if last is None:
        yield f"last {kind}: never"
        return
    failed = [outcome for outcome in last.outcomes if outcome.error]
    result = f"{len(failed)} of {len(last.outcomes)} sources failed" if failed else "every source succeeded"
    yield f"last {kind}: {_told(last.ended_at)}, {result}"
    for outcome in failed:
        yield f"  {outcome.source}: {outcome.error}"
    for outcome in last.outcomes:
        yield from (f"  {outcome.source}: {warning}" for warning in outcome.warnings)


def _told_of_warehouse(warehouse: WarehouseStatus | None) -> str:
    if warehouse is None:
        return "warehouse: none yet; `trainyard run` publishes it"
    if warehouse.built_at is None:
        return f"warehouse: {warehouse.path} is none of Trainyard's; `trainyard build` puts one in its place"
    return f"warehouse: {warehouse.path}, build {warehouse.build_id} of {_told(warehouse.built_at)}"


def _told(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
