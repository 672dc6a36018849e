"""The marts of waiting in the queue."""

from tests.oracle.intervals import month_of
from tests.oracle.statistics import grouped, kaplan_meier_seconds, mean_seconds, quantile_seconds, seconds


def queue_wait(jobs):
    return [_waits(jobs)]


def queue_wait_monthly(jobs):
    months = grouped(jobs, lambda job: month_of(job.created))
    return [{"date": month, **_waits(alike)} for month, alike in months.items()]


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
    }


def queue_wait_by_attempt(jobs):
    queued = {}
    for job in jobs:
        of_job = {}
        for visit in job.visits:
            waited = visit.length if visit.phase == "queue" else 0
            of_job[visit.attempt] = of_job.get(visit.attempt, 0) + waited
        for attempt, waited in of_job.items():
            queued.setdefault(attempt, []).append(waited)
    return [
        {
            "attempt": attempt,
            "jobs": len(lengths),
            "queued_jobs": sum(length > 0 for length in lengths),
            "seconds": seconds(sum(lengths)),
            "mean_seconds": mean_seconds(lengths),
            "p50_seconds": quantile_seconds(lengths, "0.5"),
            "p90_seconds": quantile_seconds(lengths, "0.9"),
            "p99_seconds": quantile_seconds(lengths, "0.99"),
        }
        for attempt, lengths in queued.items()
    ]
