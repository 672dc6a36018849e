"""The asset `published/warehouse`: the file that people and BI tools read. Not here: how it is written."""

from datetime import timedelta

import dagster as dg

from pipelines.assets.build import Builds, model_key
from pipelines.assets.prune import prune_home
from pipelines.config import Settings
from pipelines.hive.links import link_marts
from pipelines.home import Home
from pipelines.models.catalogue import Catalogue
from pipelines.models.publish import publish, published_tables

WAREHOUSE_KEY = dg.AssetKey(["published", "warehouse"])


def warehouse_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """The warehouse of all marts, the lake and the reference data."""
    marts = [bound for bound in catalogue.models if bound.table.schema == "marts"]
    tables = published_tables(catalogue)

    @dg.asset(
        key=WAREHOUSE_KEY,
        deps=[model_key(bound) for bound in marts],
        group_name="published",
        kinds={"duckdb"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=1), warn_window=timedelta(hours=2)),
        description="`warehouse.duckdb`: marts, lake and reference data in one read-only file, replaced in one step.",
    )
    def warehouse(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], builds: dg.ResourceParam[Builds]
    ) -> dg.MaterializeResult[None]:
        home = Home(settings.home)
        with home.writing():
            build = builds.of(settings, context.run)
            published = publish(build, tables, home.warehouse)
            link_marts(home, build, catalogue)
            prune_home(home)
        if published.failure:
            context.log.warning(f"{home.warehouse} was written anew, as altering failed: {published.failure}")
        return dg.MaterializeResult(
            metadata={
                "dagster/uri": str(home.warehouse),
                "tables": len(tables),
                "tables_altered": len(tables if published.altered is None else published.altered),
                "is_written_anew": published.altered is None,
                "bytes": published.size_bytes,
            }
        )

    return warehouse
