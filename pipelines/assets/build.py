"""The asset `build/context`, which begins a build, and one asset for each model. Not here: the models' SQL."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256

import dagster as dg

from pipelines.assets import metadata, plots
from pipelines.assets.lake import lake_key
from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.harvest.archive import RawArchive, last_looks
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest
from pipelines.models.begin import begin_build
from pipelines.models.build import MADE_WHOLE, Build
from pipelines.models.catalogue import BoundModel, Catalogue, partitioned_tables
from pipelines.models.context import CONTEXT

CONTEXT_KEY = dg.AssetKey([CONTEXT.schema, CONTEXT.name])


class Builds:
    """The build of a run, opened once for all steps that are in one process."""

    def __init__(self) -> None:
        self._open: Build | None = None

    def of(self, settings: Settings, run: dg.DagsterRun) -> Build:
        """The build that this run, or the run it retries, began."""
        folders = sorted(Home(settings.home).builds.glob(f"*-{_mark(run)}"))
        if not folders:
            raise TrainyardError(f"build/context was not made in this run: {MADE_WHOLE}")
        build = Build(folders[-1], settings.memory_limit, settings.engine)
        if self._open != build:
            self.close()
            self._open = build
        return self._open

    def close(self) -> None:
        """Close the build that is open."""
        if self._open:
            self._open.close()


@dg.resource(description="The build of the run.")
def builds() -> Iterator[Builds]:
    """Closed as the run ends."""
    with closing(Builds()) as opened:
        yield opened


def _mark(run: dg.DagsterRun) -> str:
    return (run.root_run_id or run.run_id)[:8]


def context_asset(fetched: Iterable[dg.AssetsDefinition]) -> dg.AssetsDefinition:
    """What begins a build, once the lake and the reference data that is ``fetched`` are up to date."""

    @dg.asset(
        key=CONTEXT_KEY,
        deps=[*(lake_key(table.name) for table in partitioned_tables()), *(asset.key for asset in fetched)],
        group_name="build",
        kinds={"parquet"},
        description="Begins a build: settles which state of the lake and which reference data all its models see.",
        metadata=metadata.of_table(CONTEXT),
    )
    def context(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        """Pin the manifests in force, copy reference data and marks of deletion, note when and by what it is made."""
        home = Home(settings.home)
        home.pull(with_lake=True)
        archive = RawArchive(home.raw)
        if not last_looks(home.root) and not any(map(archive.batches, archive.sources())):
            raise TrainyardError("nothing was harvested yet: `trainyard run` does it, `trainyard import` takes files")
        now = datetime.now(UTC)
        build_id = f"{now:%Y%m%dT%H%M%S}-{_mark(context.run)}"
        manifest = read_manifest(home.lake)
        begin_build(home, manifest, build_id, now, settings.time_zone)
        told = metadata.of_rows(1, build_id=build_id, lake_generation=manifest.generation)
        return dg.MaterializeResult(metadata=told)

    return context


def model_assets(catalogue: Catalogue) -> list[dg.AssetsDefinition]:
    """One asset a model, each with its checks, which stop what comes after."""
    return [_model_asset(bound, catalogue) for bound in catalogue.models]


def model_key(bound: BoundModel) -> dg.AssetKey:
    """The asset of a model."""
    return dg.AssetKey([bound.table.schema, bound.table.name])


def _what_to_do(bound: BoundModel) -> str:
    """Help for whoever finds that a check of a model failed."""
    return (
        f"Nothing was published: readers have the last whole build. The sample shows rows of {bound.name} for which"
        f" the check does not hold, and sql/{bound.table.schema}/{bound.table.name}.sql says what it means. If that"
        " file, one that it reads, or reference data was changed, correct the change and run `trainyard build`. If not,"
        " and `trainyard rebuild` does not help either, it is a mistake of Trainyard's: report it with the sample."
    )


def _model_asset(bound: BoundModel, catalogue: Catalogue) -> dg.AssetsDefinition:
    key = model_key(bound)
    assets = {other.name for other in catalogue.models} | {table.qualified_name for table in partitioned_tables()}
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
        description=bound.table.comment,
        metadata=metadata.of_table(bound.table),
        code_version=sha256(bound.model.sql.encode()).hexdigest()[:12],
        check_specs=[
            dg.AssetCheckSpec(check.name, asset=key, description=check.description, blocking=True)
            for check in bound.model.checks
        ],
    )
    def model(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], builds: dg.ResourceParam[Builds]
    ) -> Iterator[dg.MaterializeResult[None]]:
        build = builds.of(settings, context.run)
        rows = build.run(bound)
        sample = build.sample(bound.name)
        shown = {"preview": metadata.preview(sample.columns, sample.rows)}
        if plot := plots.PLOTS.get(bound.name):
            shown["plot"] = plots.drawn(plot, build.ask(plots.last_days(plot), bound.name))
        yield dg.MaterializeResult(
            metadata=metadata.of_rows(rows, **shown),
            check_results=[
                dg.AssetCheckResult(
                    check_name=result.name,
                    passed=not result.violations,
                    description=_what_to_do(bound) if result.violations else None,
                    metadata={
                        "violations": result.violations,
                        "sample": metadata.preview(result.sample.columns, result.sample.rows),
                    },
                )
                for result in build.check(bound)
            ],
        )

    return model
