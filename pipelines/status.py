"""How things stand: each source's watermark and last outcome, what lake and warehouse hold, what is in quarantine.

Read from the files alone. Not here: changing anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
from rich.console import Console
from rich.table import Table

from pipelines.cloudwatch import store
from pipelines.cloudwatch.tables import HARDWARE_METRICS
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.harvest.archive import RawArchive, last_looks
from pipelines.harvest.due import read_due
from pipelines.harvest.outcome import CLOUDWATCH, HARVEST, VERIFICATION, kept_outcomes
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest
from pipelines.lake.quarantine import Quarantine
from pipelines.query import opened
from pipelines.terminal import add_row, new_table, print_table, printable


def show_status(home: Home, console: Console) -> None:
    """Print the status."""
    console.print(f"data directory: {home.place}", markup=False, soft_wrap=True)
    print_table(console, _sources(home))
    asked = [CLOUDWATCH] if kept_outcomes(home.root, CLOUDWATCH) else []  # it is an option
    for kind in (HARVEST, VERIFICATION, *asked):
        for line in _outcomes(home, kind):
            console.print(printable(line), markup=False, soft_wrap=True)
    manifest = read_manifest(home.lake)
    rows = sum(manifest.rows(table.name) for table in lake_tables())
    console.print(
        f"lake: {manifest.rows(main_table().name):,} jobs, {rows:,} rows in {len(lake_tables())} tables"
        f" (generation {manifest.generation})"
    )
    if asked:
        points = store.held(home).rows(HARDWARE_METRICS.name)
        console.print(f"measurements of hardware: {points:,} periods of single metrics and hosts")
    console.print(_warehouse(home), markup=False, soft_wrap=True)
    console.print(f"jobs due to be read again: {len(read_due(home.root)):,}")
    quarantined = list(Quarantine(home.quarantine).lines())
    console.print(f"quarantine: {len(quarantined):,} documents")
    for (source, path, reason), count in Counter((s, q.path, q.reason) for s, q in quarantined).most_common(10):
        said = printable(": ".join(filter(None, (source, path, reason))))
        console.print(f"  {count:,} from {said}", markup=False, soft_wrap=True)


def _sources(home: Home) -> Table:
    archive, looks, flattened = RawArchive(home.raw), last_looks(home.root), read_manifest(home.lake).flattened
    table = new_table("source", "last change seen", "complete up to", "batches", "batches not yet in the lake")
    for source in sorted({*archive.sources(), *looks}):
        watermark = archive.watermark(source)
        add_row(
            table,
            source,
            _instant(watermark / 1e6) if watermark else "never",
            _instant(looks[source]) if source in looks else "never",
            str(len(archive.batches(source))),
            str(len(archive.batches(source, flattened.get(source)))),
        )
    return table


def _outcomes(home: Home, kind: str) -> Iterator[str]:
    """When all sources were last gone through, and what went wrong then with which."""
    kept = kept_outcomes(home.root, kind)
    if kept is None:
        yield f"last {kind}: never"
        return
    failed = [outcome for outcome in kept.outcomes if outcome.error]
    result = f"{len(failed)} of {len(kept.outcomes)} sources failed" if failed else "every source succeeded"
    yield f"last {kind}: {_instant(kept.ended_at)}, {result}"
    for outcome in failed:
        yield f"  {outcome.source}: {outcome.error}"


def _warehouse(home: Home) -> str:
    if not home.warehouse.exists():
        return "warehouse: none yet; `trainyard run` publishes it"
    with opened(home.warehouse) as connection:
        try:
            ((build_id, built_at),) = connection.execute("select build_id, built_at from marts.build_info").fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            return f"warehouse: {home.warehouse} is none of Trainyard's; `trainyard build` puts one in its place"
    return f"warehouse: {home.warehouse}, build {build_id} of {built_at:%Y-%m-%d %H:%M:%S} UTC"


def _instant(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
