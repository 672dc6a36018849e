"""The marts of time per secondary status."""

from tests.oracle.intervals import DAY, buckets, day_of, overlap
from tests.oracle.statistics import grouped, mean_seconds, quantile_seconds, seconds, share, total


def secondary_status_time(jobs):
    rows = []
    for alike in grouped(jobs, lambda job: tuple(job.dimensions.values())).values():
        pairs = [(job, visit) for job in alike for visit in job.visits]
        lifetime = sum(job.lifetime for job in alike)
        rows += [{**row, "lifetime_share": share(time, lifetime)} for row, time in _by_status(pairs)]
    return rows


def secondary_status_time_by_attempt(jobs):
    pairs = [(job, visit) for job in jobs for visit in job.visits]
    rows = []
    for (attempt, *_), alike in grouped(pairs, lambda pair: (pair[1].attempt, *pair[0].dimensions.values())).items():
        whole = sum(visit.length for _, visit in alike)
        rows += [{**row, "attempt": attempt, "attempt_share": share(time, whole)} for row, time in _by_status(alike)]
    return rows


def _by_status(pairs):
    """(row, its microseconds) of each status in pairs (job, visit) of the same dimensions."""
    for status, of_status in grouped(pairs, lambda pair: pair[1].status).items():
        of_jobs = grouped(of_status, lambda pair: pair[0].document["TrainingJobArn"]).values()
        lengths = [sum(visit.length for _, visit in of_job) for of_job in of_jobs]
        row = {
            **of_status[0][0].dimensions,
            "secondary_status": status,
            "phase": of_status[0][1].phase,
            "jobs": len(lengths),
            "visits": len(of_status),
            "seconds": seconds(sum(lengths)),
            "mean_seconds": mean_seconds(lengths),
            "p50_seconds": quantile_seconds(lengths, "0.5"),
            "p90_seconds": quantile_seconds(lengths, "0.9"),
            "p99_seconds": quantile_seconds(lengths, "0.99"),
            "is_small_sample": len(lengths) < 20,
        }
        yield row, sum(lengths)


def secondary_status_time_daily(jobs):
    pieces = [(job, visit, day) for job in jobs for visit in job.visits for day in buckets(visit.start, visit.end, DAY)]
    return [
        {
            "date": day_of(day),
            **alike[0][0].dimensions,
            "secondary_status": status,
            "phase": alike[0][1].phase,
            "visits": sum(visit.start >= day for _, visit, _ in alike),
            "seconds": seconds(sum(_length(visit, day) for _, visit, _ in alike)),
            "instance_seconds": seconds(
                total(None if job.instances is None else job.instances * _length(visit, day) for job, visit, _ in alike)
            ),
        }
        for (day, status, *_), alike in grouped(
            pieces, lambda piece: (piece[2], piece[1].status, *piece[0].dimensions.values())
        ).items()
    ]


def _length(visit, day):
    """Microseconds of a visit within a day."""
    return overlap(visit.start, visit.end, day, day + DAY)
