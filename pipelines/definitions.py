"""Everything Dagster loads: `dagster dev -m pipelines.definitions`."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.build import builds, context_asset, model_assets
from pipelines.assets.cloudwatch import cloudwatch_metrics
from pipelines.assets.dashboard import dashboard
from pipelines.assets.fetched import fetched_assets
from pipelines.assets.lake import lake
from pipelines.assets.prune import prune_job, prune_schedule
from pipelines.assets.published import warehouse_asset
from pipelines.assets.raw import training_job_documents
from pipelines.assets.refresh import refresh_job, refresh_schedule
from pipelines.assets.resources import run_log
from pipelines.assets.run_is_whole import run_is_whole
from pipelines.assets.verify import verify_job, verify_schedule
from pipelines.config import Settings, load_settings
from pipelines.home import make_private
from pipelines.models.catalogue import load_catalogue
from pipelines.progress import Log
from pipelines.shipped import shipped


def build_defs(settings: Settings, log: Log | dg.ResourceDefinition = run_log) -> dg.Definitions:
    """The definitions for these settings; ``log`` takes each line of progress (default: the run's log)."""
    catalogue = load_catalogue(shipped("sql"))
    fetched = fetched_assets(settings)
    return dg.Definitions(
        assets=[
            training_job_documents,
            lake,
            cloudwatch_metrics,
            *fetched,
            context_asset(fetched),
            *model_assets(catalogue),
            warehouse_asset(catalogue),
            dashboard,
        ],
        asset_checks=[run_is_whole],
        jobs=[refresh_job, verify_job, prune_job],
        schedules=[refresh_schedule(settings), verify_schedule, prune_schedule],
        resources={"settings": settings, "log": log, "builds": builds},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings in force where Dagster runs."""
    make_private()
    return build_defs(load_settings())
