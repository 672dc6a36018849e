"""The mart of open jobs that have been in their status for unusually long."""

from tests.oracle.intervals import timestamp
from tests.oracle.statistics import grouped, quantile_seconds, seconds

SMALL_SAMPLE = 20


def stuck_jobs(jobs):
    ended = grouped(
        ((job.instance_type, visit.status, visit.length) for job in jobs for visit in job.visits if not visit.is_open),
        lambda entry: entry[:2],
    )
    lengths = {key: [length for _, _, length in entries] for key, entries in ended.items()}
    rows = []
    for job in jobs:
        visit = job.visits[-1]
        compared = lengths.get((job.instance_type, visit.status))
        if not visit.is_open or not compared or seconds(visit.length) <= quantile_seconds(compared, "0.99"):
            continue
        rows.append(
            {
                "training_job_arn": job.document["TrainingJobArn"],
                "training_job_name": job.document.get("TrainingJobName"),
                **job.dimensions,
                "instance_count": job.instances,
                "gpu_count": job.gpus,
                "role_arn": job.document.get("RoleArn") or None,
                "secondary_status": visit.status,
                "since": timestamp(visit.start),
                "age_seconds": seconds(visit.length),
                "p99_seconds": quantile_seconds(compared, "0.99"),
                "compared_visits": len(compared),
                "is_small_sample": len(compared) < SMALL_SAMPLE,
            }
        )
    return rows
