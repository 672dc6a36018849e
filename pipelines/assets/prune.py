"""The job `prune` and its schedule: what nobody reads any more is removed, Dagster's records of old runs too.

Not here: which files of the lake and which builds are old, and which batches of raw become one.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from pipelines.bucket.prune import prune_bucket
from pipelines.config import Settings
from pipelines.harvest.merge import merge_months
from pipelines.hive.links import link_lake
from pipelines.home import Home
from pipelines.lake.prune import prune
from pipelines.models.build import prune_builds

RUNS_KEPT = timedelta(days=7)
RUNS_AT_ONCE = 100

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dg.op(
    description="Removes stale files of the lake, old builds, and runs that ended long ago; merges old batches of raw."
)
def remove_what_is_old(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
    """Remove it, and say how much it was."""
    builds, files, objects, batches = prune_home(Home(settings.home))
    runs = prune_runs(context.instance, datetime.now(UTC) - RUNS_KEPT)
    context.log.info(
        f"removed {files:,} files of the lake, {builds:,} builds, {objects:,} objects of a bucket, {runs:,} runs;"
        f" merged {batches:,} batches of raw into fewer"
    )


def prune_home(home: Home) -> tuple[int, int, int, int]:
    """Remove old builds, files of the lake and objects of a bucket, merge batches of raw; return how many of each."""
    with home.writing():
        link_lake(home)
        return prune_builds(home.builds), prune(home), prune_bucket(home), merge_months(home)


def prune_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Remove the runs that were created before an instant and have ended; return how many."""
    old = dg.RunsFilter(statuses=_FINISHED, created_before=before)
    removed = 0
    while records := instance.get_run_records(old, limit=RUNS_AT_ONCE):
        for record in records:
            _remove(instance, record.dagster_run.run_id)
        removed += len(records)
    return removed


def _remove(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    file_of = getattr(instance.event_log_storage, "path_for_shard", None)
    if file_of:  # SQLite has a file for each run, which stays, 200 KB without a row
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{file_of(run_id)}{suffix}").unlink()


@dg.job(
    name="prune",
    description="Remove stale files of the lake, old builds and records of old runs.",
    executor_def=dg.in_process_executor,
)
def prune_job() -> None:
    """One step."""
    remove_what_is_old()


prune_schedule = dg.ScheduleDefinition(
    name="prune",
    job=prune_job,
    cron_schedule="50 3 * * *",
    execution_timezone="UTC",
    description="Keeps the disk from filling up.",
)
