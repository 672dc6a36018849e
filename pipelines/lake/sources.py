"""The table `lake.sources`: up to when each source was last seen whole. Not here: harvesting them."""

from __future__ import annotations

from pipelines.harvest.archive import last_looks
from pipelines.home import Home
from pipelines.lake.manifest import select_table
from pipelines.tables import Column, Table, literal

SOURCES = Table(
    "lake",
    "sources",
    "One row per source that was ever harvested completely.",
    (
        Column("source", "VARCHAR", "Name of the source: `<account>-<region>`, or its endpoint."),
        Column(
            "last_complete_look_at", "TIMESTAMP", "Instant (UTC, the service's clock) up to which its jobs are known."
        ),
    ),
)


def select_sources(home: Home) -> str:
    """A SELECT of the table's rows."""
    rows = [
        f"select {literal(source)} as source, make_timestamp({round(seconds * 1e6)}::bigint) as last_complete_look_at"
        for source, seconds in last_looks(home.root).items()
    ]
    return " union all ".join([select_table(SOURCES, []), *rows])
