"""The asset `build/context`, which begins a build, and one asset for each model. Not here: the models' SQL."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version

import dagster as dg

from pipelines.assets import metadata
from pipelines.assets.lake import lake_key
from pipelines.config import Engine, Settings
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import lake_tables
from pipelines.harvest.archive import RawArchive, last_looks
from pipelines.home import Home
from pipelines.lake.deleted import DELETED, select_deleted
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.lake.quarantine import Quarantine
from pipelines.lake.sources import SOURCES, select_sources
from pipelines.models.build import MADE_WHOLE, Build, start_build
from pipelines.models.catalogue import BoundModel, Catalogue
from pipelines.models.context import CONTEXT
from pipelines.models.failure_rules import FAILURE_RULE_MATCHES, select_failure_rule_matches
from pipelines.models.reference import FAILURE_RULES, REFERENCE_TABLES, select_reference
from pipelines.shipped import shipped
from pipelines.tables import literal

CONTEXT_KEY = dg.AssetKey([CONTEXT.schema, CONTEXT.name])


def build_of(home: Home, run: dg.DagsterRun) -> Build:
    """The build that this run, or the run it retries, began."""
    folders = sorted(home.builds.glob(f"*-{_mark(run)}"))
    if not folders:
        raise TrainyardError(f"build/context was not made in this run: {MADE_WHOLE}")
    return Build(folders[-1])


def _mark(run: dg.DagsterRun) -> str:
    return (run.root_run_id or run.run_id)[:8]


@dg.asset(
    key=CONTEXT_KEY,
    deps=[lake_key(table.name) for table in lake_tables()],
    group_name="build",
    kinds={"parquet"},
    owners=metadata.OWNERS,
    description="Begins a build: settles which state of the lake and which reference data all its models see.",
    metadata=metadata.of_table(CONTEXT),
)
def context(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Pin the manifest in force, copy reference data and marks of deletion, note when and by what the build is made."""
    home = Home(settings.home)
    archive = RawArchive(home.raw)
    if not last_looks(home.root) and not any(map(archive.batches, archive.sources())):
        raise TrainyardError("nothing was harvested yet: `trainyard run` does it, `trainyard import` takes files")
    now = datetime.now(UTC)
    manifest = read_manifest(home.lake)
    build_id = f"{now:%Y%m%dT%H%M%S}-{_mark(context.run)}"
    quarantined = sum(1 for _ in Quarantine(home.quarantine).lines())
    row = (
        f"select {literal(build_id)} as build_id, timestamp {literal(f'{now:%Y-%m-%d %H:%M:%S}')} as built_at,"
        f" {literal(version('trainyard'))} as trainyard_version, {literal(version('duckdb'))} as duckdb_version,"
        f" {literal(version('botocore'))} as botocore_version, {manifest.generation}::bigint as lake_generation,"
        f" {literal(settings.time_zone)} as time_zone, {quarantined}::bigint as documents_quarantined"
    )
    lake = {table.table: manifest.paths(home.lake, table.name) for table in lake_tables()}
    inputs = {table.qualified_name: select_table(table, paths) for table, paths in lake.items()}
    copied = {
        table.table.qualified_name: select_reference(table, shipped("reference"), home.root / "reference")
        for table in REFERENCE_TABLES
    }
    copied |= {DELETED.qualified_name: select_deleted(home, manifest)}
    matches = select_failure_rule_matches(inputs["lake.training_jobs"], copied[FAILURE_RULES.table.qualified_name])
    inputs |= {
        SOURCES.qualified_name: select_sources(home),
        CONTEXT.qualified_name: row,
        FAILURE_RULE_MATCHES.qualified_name: matches,
    }
    lake_files = {table.qualified_name: paths for table, paths in lake.items()}
    start_build(home.builds / build_id, inputs, copied, settings.time_zone, lake_files)
    return dg.MaterializeResult(metadata=metadata.of_rows(1, build_id=build_id, lake_generation=manifest.generation))


def model_assets(catalogue: Catalogue) -> list[dg.AssetsDefinition]:
    """One asset a model, each with its checks, which stop what comes after."""
    return [_model_asset(bound, catalogue) for bound in catalogue.models]


def model_key(bound: BoundModel) -> dg.AssetKey:
    """The asset of a model."""
    return dg.AssetKey([bound.table.schema, bound.table.name])


def _model_asset(bound: BoundModel, catalogue: Catalogue) -> dg.AssetsDefinition:
    key = model_key(bound)
    assets = {other.name for other in catalogue.models} | {table.table.qualified_name for table in lake_tables()}
    inputs = {table.qualified_name for table in catalogue.inputs}
    deps = [dg.AssetKey(name.split(".")) for name in sorted(bound.model.dependencies & assets)]
    # The others come after it by way of what they read; one that reads nothing has a place in the build too.
    if not deps or bound.model.dependencies & inputs:
        deps.append(CONTEXT_KEY)

    @dg.asset(
        key=key,
        deps=deps,
        group_name=bound.table.schema,
        kinds={"duckdb", "sql"},
        owners=metadata.OWNERS,
        description=bound.table.comment,
        metadata=metadata.of_table(bound.table),
        code_version=sha256(bound.model.sql.encode()).hexdigest()[:12],
        check_specs=[
            dg.AssetCheckSpec(check.name, asset=key, description=check.description, blocking=True)
            for check in bound.model.checks
        ],
    )
    def model(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.MaterializeResult[None]]:
        build = build_of(Home(settings.home), context.run)
        rows = _run(settings.engine, build, bound)
        sample = build.sample(bound.name)
        yield dg.MaterializeResult(
            metadata=metadata.of_rows(rows, preview=metadata.preview(sample.columns, sample.rows)),
            check_results=[
                dg.AssetCheckResult(
                    check_name=result.name,
                    passed=not result.violations,
                    metadata={
                        "violations": result.violations,
                        "sample": metadata.preview(result.sample.columns, result.sample.rows),
                    },
                )
                for result in build.check(bound)
            ],
        )

    return model


def _run(engine: Engine, build: Build, bound: BoundModel) -> int:
    """Materialize a model; return the number of its rows."""
    if engine is Engine.spark:
        from pipelines.spark.engine import run  # Spark is an extra

        return run(build, bound)
    return build.run(bound)
