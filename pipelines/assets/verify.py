"""The check that the lake holds every job of the service, the job `verify` that makes it, and its schedule.

Not here: comparing and repairing.
"""

import dagster as dg

from pipelines.assets.lake import lake_key
from pipelines.config import Settings
from pipelines.flatten.layout import main_table
from pipelines.progress import Log, by_source
from pipelines.verify import verify


@dg.asset_check(
    asset=lake_key(main_table().name),
    name="holds_every_job_of_the_service",
    description="The service has as many jobs as the lake, window by window of CreationTime. Where it had not, the lake"
    " is repaired, and the next build shows it. Fails for a source that could not be asked.",
    pool="sagemaker",
)
def holds_every_job(settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]) -> dg.AssetCheckResult:
    """Compare and repair."""
    outcomes = verify(settings, log, by_source(log))
    return dg.AssetCheckResult(
        passed=not any(outcome.error for outcome in outcomes),
        metadata={
            outcome.source: outcome.error or f"{outcome.documents:,} jobs fetched with {outcome.calls:,} calls"
            for outcome in outcomes
        },
    )


VERIFICATION = dg.AssetSelection.checks(holds_every_job)

verify_job = dg.define_asset_job(
    "verify",
    VERIFICATION,
    description="Compare the lake with the service, and repair what differs.",
    executor_def=dg.in_process_executor,
)

verify_schedule = dg.ScheduleDefinition(
    name="verify",
    job=verify_job,
    cron_schedule="20 3 * * *",
    execution_timezone="UTC",
    description="Proves every day that no job was lost.",
)
