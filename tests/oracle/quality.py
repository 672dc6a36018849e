"""The marts of what records lack, and of how fresh they are."""

from tests.oracle.failures import judged, reason_of
from tests.oracle.intervals import timestamp
from tests.oracle.statistics import grouped, proportion, seconds
from tests.oracle.visits import PHASES

SECONDARY_STATUSES = {status for statuses in PHASES.values() for status in statuses}


def _ran(job):
    """Whether it ended after a run, which a job that completed has had whatever its record tells."""
    return job.is_ended and (job.is_started or job.status == "Completed")


# Flaw -> (who could have it, who has it).
FLAWS = {
    "no_start_time": (_ran, lambda job: job.instant("TrainingStartTime") is None),
    "no_end_time": (_ran, lambda job: job.instant("TrainingEndTime") is None),
    "future_times": (bool, lambda job: job.has_future_times),
    "overlap": (bool, lambda job: any(visit.overlap for visit in job.visits)),
    "negative_visit": (bool, lambda job: any(visit.is_negative for visit in job.visits)),
    "hole": (bool, lambda job: any(visit.status == "Unattributed" for visit in job.visits)),
    "derived_visits": (bool, lambda job: not job.transitions),
    "unknown_status": (
        bool,
        lambda job: (
            any(visit.phase == "unknown" and visit.status != "Unattributed" for visit in job.visits)
            or job.document.get("SecondaryStatus") not in {None, *SECONDARY_STATUSES}
            or job.status not in {None, "InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting"}
        ),
    ),
    "unknown_gpus": (bool, lambda job: job.gpus is None),
    "unknown_failure_class": (
        lambda job: job.status == "Failed",
        lambda job: judged(reason_of(job))[0] == "unknown",
    ),
}


def data_quality(jobs):
    rows = []
    for (account_id, region), alike in grouped(jobs, lambda job: (job.account_id, job.region)).items():
        for flaw, (could, has) in FLAWS.items():
            examined = [job for job in alike if could(job)]
            flawed = sum(map(has, examined))
            rows.append(
                {
                    "account_id": account_id,
                    "region": region,
                    "flaw": flaw,
                    "examined_jobs": len(examined),
                    "flawed_jobs": flawed,
                    **proportion("flawed_share", flawed, len(examined)),
                    "is_small_sample": len(examined) < 20,
                }
            )
    return rows


def freshness(jobs):
    rows = []
    for (account_id, region), alike in grouped(jobs, lambda job: (job.account_id, job.region)).items():
        changed = [at for at in (job.instant("LastModifiedTime") for job in alike) if at is not None]
        newest, seen = max(changed, default=None), max(job.observed for job in alike)
        rows.append(
            {
                "account_id": account_id,
                "region": region,
                "newest_last_modified_time": timestamp(newest),
                "newest_observed_at": timestamp(seen),
                "newest_change_age_seconds": None if newest is None else seconds(seen - newest),
            }
        )
    return rows
