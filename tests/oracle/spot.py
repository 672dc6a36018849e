"""The mart of what spot capacity saved, and how often it interrupted."""

from tests.oracle.intervals import DAY, HOUR, buckets, month_of
from tests.oracle.statistics import garwood, grouped, hours, share, total
from tests.oracle.utilization import running_time


def spot_savings_monthly(jobs):
    spot = [job for job in jobs if job.is_spot]

    def key(instant, job):
        return month_of(instant), job.account_id, job.region, job.instance_type

    ended = grouped([job for job in spot if job.is_ended], lambda job: key(job.life_end, job))
    running = grouped(
        [(day, job) for job in spot if job.is_started for day in _days_of_run(job)], lambda pair: key(*pair)
    )
    interruptions = grouped(
        [(visit.start, job) for job in spot for visit in job.visits if visit.status == "Interrupted"],
        lambda pair: key(*pair),
    )
    return [
        dict(zip(("date", "account_id", "region", "instance_type"), each, strict=True))
        | _savings(ended.get(each, []))
        | _rate(running.get(each, []), len(interruptions.get(each, [])))
        for each in sorted(ended.keys() | running.keys() | interruptions.keys(), key=repr)
    ]


def _days_of_run(job):
    return [day for day in buckets(job.started, job.run_end, DAY) if job.run_end > day]


def _savings(ended):
    known = [job for job in ended if job.training_time is not None and job.billable_instance_time is not None]
    trained = total(job.training_time * job.instances for job in known)
    billed = total(job.billable_instance_time for job in known)
    return {
        "ended_jobs": len(ended),
        "compared_jobs": len(known),
        "trained_instance_hours": hours(trained),
        "billed_instance_hours": hours(billed),
        "savings": (trained - billed) / trained if trained else None,
        "interrupted_jobs": sum(any(visit.status == "Interrupted" for visit in job.visits) for job in ended),
    }


def _rate(days, interruptions):
    instance_time = sum((job.instances or 0) * running_time(job, day) for day, job in days)
    low, high = garwood(interruptions)
    return {
        "instance_hours": hours(instance_time),
        "interruptions": interruptions,
        "interruptions_per_1000_instance_hours": share(interruptions * 1000 * HOUR, instance_time),
        "interruptions_per_1000_instance_hours_low": share(low * 1000 * HOUR, instance_time),
        "interruptions_per_1000_instance_hours_high": share(high * 1000 * HOUR, instance_time),
        "is_small_sample": interruptions < 20,
    }
