"""Chains of retries, and how much of their time was productive."""

from hashlib import md5

from tests.oracle.intervals import DAY, month_of, timestamp
from tests.oracle.jobs import used
from tests.oracle.statistics import grouped, hours, seconds, share, total


def _hyper_parameters(job):
    return job.document.get("HyperParameters") or {}


def script_of(job):
    """The script that an SDK made it run, None if it did not."""
    script = _hyper_parameters(job).get("sagemaker_program")
    return (script or "").replace('"', "") or None


def program_of(job):
    """What two jobs of the same work have in common; None if the record does not tell."""
    hyper_parameters = _hyper_parameters(job)
    if script_of(job) is not None:
        return script_of(job)
    image = job.algorithm.get("TrainingImage") or job.algorithm.get("AlgorithmName")
    if not image:
        return None
    if not hyper_parameters:
        return image
    # Passwords are redacted before anything is kept.
    kept = {key: "***" if "password" in key else value for key, value in hyper_parameters.items()}
    lines = "\n".join(sorted(f"{key}={value or ''}" for key, value in kept.items()))
    return f"{image} {md5(lines.encode()).hexdigest()}"


def chains_of(jobs):
    """Every job once, in lists: the first of a list, and the jobs that retried it."""
    works = {}
    chains = []
    for job in jobs:
        program = program_of(job)
        if program is None:
            chains.append([job])
        else:
            works.setdefault((job.account_id, job.document.get("RoleArn") or None, program), []).append(job)
    for alike in works.values():
        alike.sort(key=lambda job: (job.created, job.document["TrainingJobArn"]))
        chain = []
        for job in alike:
            if chain and not is_retry(job, chain[-1]):
                chains.append(chain)
                chain = []
            chain.append(job)
        chains.append(chain)
    return chains


def are_siblings(job, other):
    parents = [(job.document.get(name), other.document.get(name)) for name in ("TuningJobArn", "AutoMLJobArn")]
    return any(own and own == others for own, others in parents)


def is_retry(job, previous):
    if are_siblings(job, previous):
        return False
    return previous.status in ("Failed", "Stopped") and 0 <= job.created - previous.life_end < DAY


def kept_training(job, is_last):
    """Microseconds of Training that are surely not lost."""
    of_attempts = grouped((v for v in job.visits), lambda visit: visit.attempt)
    by_attempt = {
        attempt: sum(visit.length for visit in visits if visit.status == "Training")
        for attempt, visits in of_attempts.items()
    }
    if job.visits[-1].phase == "interruption":  # what follows will begin anew
        by_attempt[max(by_attempt) + 1] = 0
    failed_at_last = is_last and job.status == "Failed"
    if (job.document.get("CheckpointConfig") or {}).get("S3Uri"):
        return sum(by_attempt.values()) - (by_attempt[max(by_attempt)] if failed_at_last else 0)
    return by_attempt[max(by_attempt)] if is_last and not failed_at_last else 0


def training(job):
    return sum(visit.length for visit in job.visits if visit.status == "Training")


def attempts(job):
    return max(visit.attempt for visit in job.visits)


def _chain(chain):
    first, last = chain[0], chain[-1]
    kept = {job.document["TrainingJobArn"]: kept_training(job, job is last) for job in chain}
    elapsed = max(job.last_end for job in chain) - first.created
    low, high = sum(kept.values()), sum(map(training, chain))
    return {
        "chain_job_arn": first.document["TrainingJobArn"],
        **first.dimensions,
        "role_arn": first.document.get("RoleArn") or None,
        "program": program_of(first),
        "jobs": len(chain),
        "retries": len(chain) - 1,
        "attempts": sum(map(attempts, chain)),
        "training_job_status": last.status,
        "is_open": not last.is_ended,
        "first_creation_time": timestamp(first.created),
        "last_end_at": timestamp(max(job.last_end for job in chain)),
        "elapsed_seconds": seconds(elapsed),
        "productive_seconds_low": seconds(low),
        "productive_seconds_high": seconds(high),
        "ettr_low": share(low, elapsed),
        "ettr_high": share(high, elapsed),
        **used(chain),
        "productive_instance_hours_low": hours(
            total(job.instances and kept[job.document["TrainingJobArn"]] * job.instances for job in chain)
        ),
        "productive_instance_hours_high": hours(
            total(job.instances and training(job) * job.instances for job in chain)
        ),
    }


def retry_chains(jobs):
    return [_chain(chain) for chain in chains_of(jobs)]


def goodput_monthly(jobs):
    rows = []
    for alike in grouped(
        chains_of(jobs), lambda chain: (month_of(chain[0].created), *chain[0].dimensions.values())
    ).values():
        told = [_chain(chain) for chain in alike]
        sums = {
            name: total(row[name] for row in told)
            for name in (
                "jobs",
                "retries",
                "elapsed_seconds",
                "productive_seconds_low",
                "productive_seconds_high",
                "instance_hours",
                "productive_instance_hours_low",
                "productive_instance_hours_high",
            )
        }
        rows.append(
            {
                "date": month_of(alike[0][0].created),
                **alike[0][0].dimensions,
                "chains": len(told),
                "open_chains": sum(row["is_open"] for row in told),
                "completed_chains": sum(row["training_job_status"] == "Completed" for row in told),
                "retried_chains": sum(row["retries"] > 0 for row in told),
                **sums,
                "ettr_low": share(sums["productive_seconds_low"], sums["elapsed_seconds"]),
                "ettr_high": share(sums["productive_seconds_high"], sums["elapsed_seconds"]),
                "goodput_low": share(sums["productive_instance_hours_low"], sums["instance_hours"]),
                "goodput_high": share(sums["productive_instance_hours_high"], sums["instance_hours"]),
                "is_small_sample": len(told) < 20,
            }
        )
    return rows
