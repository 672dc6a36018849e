"""The mart of what spot capacity saved, and how often it interrupted."""

from tests.oracle.intervals import HOUR, month_of
from tests.oracle.statistics import garwood, grouped, hours, share, total


def spot_savings_monthly(jobs):
    ended = [job for job in jobs if job.is_spot and job.is_ended]
    rows = []
    for alike in grouped(
        ended, lambda job: (month_of(job.life_end), job.account_id, job.region, job.instance_type)
    ).values():
        known = [job for job in alike if job.training_time is not None and job.billable_instance_time is not None]
        trained = total(job.training_time * job.instances for job in known)
        billed = total(job.billable_instance_time for job in known)
        interruptions = [sum(visit.status == "Interrupted" for visit in job.visits) for job in alike]
        instance_time = total(job.instance_time for job in alike)
        low, high = garwood(sum(interruptions))
        rows.append(
            {
                "date": month_of(alike[0].life_end),
                "account_id": alike[0].account_id,
                "region": alike[0].region,
                "instance_type": alike[0].instance_type,
                "ended_jobs": len(alike),
                "compared_jobs": len(known),
                "trained_instance_hours": hours(trained),
                "billed_instance_hours": hours(billed),
                "savings": (trained - billed) / trained if trained else None,
                "instance_hours": hours(instance_time),
                "interruptions": sum(interruptions),
                "interrupted_jobs": sum(number > 0 for number in interruptions),
                "interruptions_per_1000_instance_hours": share(sum(interruptions) * 1000 * HOUR, instance_time),
                "interruptions_per_1000_instance_hours_low": share(low * 1000 * HOUR, instance_time),
                "interruptions_per_1000_instance_hours_high": share(high * 1000 * HOUR, instance_time),
                "is_small_sample": sum(interruptions) < 20,
            }
        )
    return rows
