"""The marts of how long jobs ran, and how much longer they took for having waited."""

from fractions import Fraction

from tests.oracle.intervals import SECOND
from tests.oracle.statistics import grouped, kaplan_meier_seconds, mean_seconds, quantile, quantile_seconds

SMALL_SAMPLE = 20


def run_time(jobs):
    started = [job for job in jobs if job.is_started]
    return [_run_times(started)] if started else [_run_times([])]


def run_time_by_instance_type(jobs):
    started = [job for job in jobs if job.is_started]
    return [
        {"instance_type": instance_type, **_run_times(alike)}
        for instance_type, alike in grouped(started, lambda job: job.instance_type).items()
    ]


def _run_times(started):
    over = [job.run for job in started if job.is_run_over]
    still_open = [job.run for job in started if not job.is_run_over]
    return {
        "ended_runs": len(over),
        "open_runs": len(still_open),
        "mean_seconds": mean_seconds(over),
        "p50_seconds": quantile_seconds(over, "0.5"),
        "p90_seconds": quantile_seconds(over, "0.9"),
        "p99_seconds": quantile_seconds(over, "0.99"),
        "km_p50_seconds": kaplan_meier_seconds(over, still_open, "0.5"),
        "km_p90_seconds": kaplan_meier_seconds(over, still_open, "0.9"),
        "is_small_sample": len(over) < SMALL_SAMPLE,
    }


def slowdown(jobs):
    over = [job for job in jobs if job.is_run_over]
    return [
        {**alike[0].dimensions, **_slowdowns(alike)}
        for alike in grouped(over, lambda job: tuple(job.dimensions.values())).values()
    ]


def _slowdowns(jobs):
    factors = [Fraction(job.wait + job.run, job.run) for job in jobs if job.run]
    bounded = [max(Fraction(1), Fraction(job.wait + job.run, max(job.run, 10 * SECOND))) for job in jobs]
    run = sum(job.run for job in jobs)
    row = {
        "jobs": len(jobs),
        "zero_length_jobs": len(jobs) - len(factors),
        "expansion_factor": (sum(job.wait for job in jobs) + run) / run if run else None,
        "mean_bounded_slowdown": float(sum(bounded) / len(bounded)),
        "is_small_sample": len(jobs) < 20,
    }
    for name, q in (("p50", "0.5"), ("p90", "0.9"), ("p99", "0.99")):
        row[f"{name}_expansion_factor"] = quantile(factors, q)
        row[f"{name}_bounded_slowdown"] = quantile(bounded, q)
    return row
