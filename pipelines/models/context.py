"""The context of a build: the one row that says when, by what and of which lake it was built."""

from __future__ import annotations

from pipelines.tables import Column, Table

CONTEXT = Table(
    "build",
    "context",
    "One row: the build.",
    (
        Column("build_id", "VARCHAR", "Identifies the build; later builds sort later."),
        Column("built_at", "TIMESTAMP", "Instant (UTC) at which the build began."),
        Column("trainyard_version", "VARCHAR", "Version of Trainyard that built it."),
        Column("duckdb_version", "VARCHAR", "Version of DuckDB that built it."),
        Column("botocore_version", "VARCHAR", "Version of botocore, whose service model shaped the lake's tables."),
        Column("lake_generation", "BIGINT", "Commit of the lake that was built."),
        Column("time_zone", "VARCHAR", "Time zone of dates, months, hours and weekdays; instants are UTC."),
        Column("documents_quarantined", "BIGINT", "Documents in quarantine, which no table has."),
    ),
)
