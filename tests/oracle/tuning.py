"""The mart of what tuning and AutoML jobs made of their training jobs."""

from fractions import Fraction

from tests.oracle.intervals import timestamp
from tests.oracle.jobs import used
from tests.oracle.statistics import grouped, seconds

PARENTS = {"tuning": "TuningJobArn", "auto_ml": "AutoMLJobArn"}


def tuning_jobs(jobs):
    return [
        {
            "parent_kind": kind,
            "parent_job_arn": arn,
            "account_id": account_id,
            "region": region,
            **_roll_up(children),
        }
        for kind, member in PARENTS.items()
        for (arn, account_id, region), children in grouped(
            jobs, lambda job, member=member: (job.document.get(member), job.account_id, job.region)
        ).items()
        if arn
    ]


def _roll_up(children):
    started = [job for job in children if job.is_started]
    first, last = min(job.created for job in children), max(job.last_end for job in children)
    peak, peak_at = _peak(started)
    running = max(job.run_end for job in started) - min(job.started for job in started) if started else 0
    room = running * peak
    return {
        "jobs": len(children),
        "started_jobs": len(started),
        "completed_jobs": sum(job.status == "Completed" for job in children),
        "failed_jobs": sum(job.status == "Failed" for job in children),
        "stopped_jobs": sum(job.status == "Stopped" for job in children),
        "open_jobs": sum(not job.is_ended for job in children),
        "first_creation_time": timestamp(first),
        "last_end_at": timestamp(last),
        "makespan_seconds": seconds(last - first),
        "peak_jobs": peak,
        "peak_at": timestamp(peak_at),
        "parallel_efficiency": float(Fraction(sum(job.run for job in children), room)) if room else None,
        **used(children),
    }


def _peak(started):
    """The most that ran at one instant, and the first such instant; a level only ever rises where a run starts."""
    peak, peak_at = 0, None
    for instant in sorted({job.started for job in started}):
        level = sum(job.started <= instant < job.run_end for job in started)
        if level > peak:
            peak, peak_at = level, instant
    return peak, peak_at
