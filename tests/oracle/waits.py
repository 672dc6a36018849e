"""The marts of waiting in the queue."""

from tests.oracle.intervals import month_of
from tests.oracle.statistics import grouped, kaplan_meier_seconds, mean_seconds, quantile_seconds, seconds

SMALL_SAMPLE = 20


def queue_wait(jobs):
    return [_waits(jobs)]


def queue_wait_monthly(jobs):
    months = grouped(jobs, lambda job: month_of(job.created))
    return [{"date": month, **_waits(alike)} for month, alike in months.items()]


def queue_wait_by_instance_type(jobs):
    return [
        {**alike[0].dimensions, **_waits(alike)}
        for alike in grouped(jobs, lambda job: tuple(job.dimensions.values())).values()
    ]


def _waits(jobs):
    waits = [job.wait for job in jobs if job.is_started]
    abandoned = [job.lifetime for job in jobs if job.is_never_started]
    still_waiting = [job.observed - job.created for job in jobs if not job.is_started and not job.is_ended]
    return {
        "started_jobs": len(waits),
        "never_started_jobs": len(abandoned),
        "mean_seconds": mean_seconds(waits),
        "p50_seconds": quantile_seconds(waits, "0.5"),
        "p90_seconds": quantile_seconds(waits, "0.9"),
        "p99_seconds": quantile_seconds(waits, "0.99"),
        "km_p50_seconds": kaplan_meier_seconds(waits, abandoned + still_waiting, "0.5"),
        "km_p90_seconds": kaplan_meier_seconds(waits, abandoned + still_waiting, "0.9"),
        "abandoned_seconds": seconds(sum(abandoned)),
        "is_small_sample": len(waits) < SMALL_SAMPLE,
    }


def queue_wait_by_attempt(jobs):
    came, queued = {}, {}
    for job in jobs:
        of_job = {}
        for visit in job.visits:
            of_job.setdefault(visit.attempt, []).extend([visit.length] if visit.phase == "queue" else [])
        for attempt, waits in of_job.items():
            came[attempt] = came.get(attempt, 0) + 1
            queued.setdefault(attempt, []).extend([sum(waits)] if waits else [])
    return [
        {
            "attempt": attempt,
            "jobs": came[attempt],
            "queued_jobs": len(lengths),
            "seconds": seconds(sum(lengths)),
            "mean_seconds": mean_seconds(lengths),
            "p50_seconds": quantile_seconds(lengths, "0.5"),
            "p90_seconds": quantile_seconds(lengths, "0.9"),
            "p99_seconds": quantile_seconds(lengths, "0.99"),
            "is_small_sample": len(lengths) < SMALL_SAMPLE,
        }
        for attempt, lengths in queued.items()
    ]
