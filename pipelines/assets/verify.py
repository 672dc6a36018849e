"""The job `verify` and its schedule: every day the lake is held against the service.

Not here: comparing and repairing.
"""

import dagster as dg

from pipelines.assets.lake import lake_key
from pipelines.config import Settings
from pipelines.flatten.layout import main_table
from pipelines.harvest.outcome import told
from pipelines.progress import Log, by_source
from pipelines.verify import told as told_of_all
from pipelines.verify import verify


@dg.op(
    description="Compares the numbers of jobs by windows of CreationTime, and repairs the lake where they differ:"
    " the next build shows it. Fails where a source could not be asked.",
    pool="sagemaker",
)
def hold_against_service(
    context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]
) -> None:
    """Verify every source; what came of it is shown at the table of jobs."""
    verifications = verify(settings, by_source(log))
    for line in told_of_all(verifications):
        log(line)
    outcomes = [each.outcome for each in verifications]
    found = {outcome.source: told(outcome) for outcome in outcomes}
    context.log_event(dg.AssetObservation(lake_key(main_table().name), metadata=found))
    failures = [told(outcome) for outcome in outcomes if outcome.error]
    if failures:
        raise dg.Failure("; ".join(failures), allow_retries=False)


@dg.job(
    name="verify",
    description="Compare the lake with the service, and repair what differs.",
    executor_def=dg.in_process_executor,
)
def verify_job() -> None:
    """One step."""
    hold_against_service()


verify_schedule = dg.ScheduleDefinition(
    name="verify",
    job=verify_job,
    cron_schedule="20 3 * * *",
    execution_timezone="UTC",
    description="Proves every day that no job was lost.",
)
