"""The mart of how close runs came to the limits that they were given."""

from fractions import Fraction

from tests.oracle.intervals import SECOND
from tests.oracle.statistics import grouped, proportion, quantile

DEFAULT_LIMIT_SECONDS = 24 * 3600


def _limit(job):
    return (job.document.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or 0


def limit_accuracy(jobs):
    over = [job for job in jobs if job.is_run_over and _limit(job) > 0]
    return [
        {**dict(zip(alike[0].dimensions, dimensions, strict=True)), "is_default_limit": is_default, **_accuracy(alike)}
        for (*dimensions, is_default), alike in grouped(
            over, lambda job: (*job.dimensions.values(), _limit(job) == DEFAULT_LIMIT_SECONDS)
        ).items()
    ]


def _accuracy(jobs):
    shares = {job.document["TrainingJobArn"]: Fraction(job.run, _limit(job) * SECOND) for job in jobs}
    stopped = {
        job.document["TrainingJobArn"] for job in jobs if job.document.get("SecondaryStatus") == "MaxRuntimeExceeded"
    }
    at_limit = stopped | {arn for arn, share in shares.items() if share >= 1}
    under_tenth = {arn for arn, share in shares.items() if share < Fraction(1, 10)} - at_limit
    return {
        "jobs": len(jobs),
        "limit_share": float(Fraction(sum(job.run for job in jobs), sum(_limit(job) for job in jobs) * SECOND)),
        **{
            f"{name}_limit_share": quantile(list(shares.values()), q)
            for name, q in (("p50", "0.5"), ("p90", "0.9"), ("p99", "0.99"))
        },
        "under_tenth_jobs": len(under_tenth),
        **proportion("under_tenth_share", len(under_tenth), len(jobs)),
        "at_limit_jobs": len(at_limit),
        **proportion("at_limit_share", len(at_limit), len(jobs)),
        "is_small_sample": len(jobs) < 20,
    }
