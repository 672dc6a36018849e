"""How a build begins: what its models read besides each other is gathered, and settled.

Here: which relations these are, and where each comes from. Not here: what a build does with them (``build``).
"""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version

from pipelines.cloudwatch import store
from pipelines.cloudwatch.tables import METRIC_TABLES
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.home import Home
from pipelines.lake.deleted import DELETED, select_deleted
from pipelines.lake.manifest import Manifest, select_table
from pipelines.lake.quarantine import Quarantine
from pipelines.lake.sources import SOURCES, select_sources
from pipelines.models.build import Build, start_build
from pipelines.models.context import CONTEXT
from pipelines.models.failure_rules import FAILURE_RULE_MATCHES, read_cases, select_failure_rule_matches
from pipelines.models.job_looks import JOB_LOOKS, select_job_looks
from pipelines.models.parts import LakeFiles, Parts, lake_parts
from pipelines.models.reference import FAILURE_RULES, REFERENCE_TABLES, select_reference
from pipelines.shipped import shipped
from pipelines.tables import literal


def begin_build(home: Home, manifest: Manifest, build_id: str, built_at: datetime, time_zone: str) -> Build:
    """Begin a build of the lake that a manifest lists, and of the reference data and marks that there are now."""
    copied = {
        table.table.qualified_name: select_reference(table, shipped("reference"), home.fetched, home.reference)
        for table in REFERENCE_TABLES
    }
    cases = read_cases(copied[FAILURE_RULES.table.qualified_name])

    held = store.held(home)

    def of_lake(part: Manifest) -> dict[str, str | LakeFiles]:
        months = set(part.months)
        metrics = held.where(lambda each: each.month in months)
        jobs = select_table(main_table().table, part.paths(home.lake, main_table().name))
        return (
            {
                table.table.qualified_name: LakeFiles(table.table, part.paths(home.lake, table.name))
                for table in lake_tables()
            }
            | {
                table.qualified_name: LakeFiles(table, metrics.paths(home.metrics, table.name))
                for table in METRIC_TABLES
            }
            | {FAILURE_RULE_MATCHES.qualified_name: select_failure_rule_matches(jobs, cases)}
        )

    sources = select_sources(home)
    inputs = of_lake(manifest) | {
        SOURCES.qualified_name: sources,
        CONTEXT.qualified_name: _context(home, manifest, build_id, built_at, time_zone),
    }
    copied[DELETED.qualified_name] = deleted = select_deleted(home, manifest)
    jobs = select_table(main_table().table, manifest.paths(home.lake, main_table().name))
    copied[JOB_LOOKS.qualified_name] = select_job_looks(jobs, sources, deleted)
    lakes = lake_parts(manifest)
    parts = Parts(
        {part: lake.months for part, lake in lakes.items()},
        {part: of_lake(lake) for part, lake in lakes.items()},
        frozenset({JOB_LOOKS.qualified_name}),
    )
    return start_build(home.builds / build_id, inputs, copied, parts, time_zone)


def _context(home: Home, manifest: Manifest, build_id: str, built_at: datetime, time_zone: str) -> str:
    """A SELECT of the one row of `build.context`."""
    quarantined = sum(1 for _ in Quarantine(home.quarantine).lines())
    return (
        f"select {literal(build_id)} as build_id, timestamp {literal(f'{built_at:%Y-%m-%d %H:%M:%S}')} as built_at,"
        f" {literal(version('trainyard'))} as trainyard_version, {literal(version('duckdb'))} as duckdb_version,"
        f" {literal(version('botocore'))} as botocore_version, {manifest.generation}::bigint as lake_generation,"
        f" {literal(time_zone)} as time_zone, {quarantined}::bigint as documents_quarantined"
    )
