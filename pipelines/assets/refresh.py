"""The job `refresh` and its schedule: the main job, whole. Not here: the assets it makes."""

from __future__ import annotations

import dagster as dg

from pipelines.config import Settings

refresh_job = dg.define_asset_job(
    "refresh",
    dg.AssetSelection.all(),
    description="Harvest, flatten, model, check and publish.",
    executor_def=dg.in_process_executor,
)


def refresh_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the job, off until it is turned on."""
    return dg.ScheduleDefinition(
        name="refresh",
        job=refresh_job,
        cron_schedule=settings.schedule,
        execution_timezone="UTC",
        description="Keeps the warehouse up to date.",
    )
