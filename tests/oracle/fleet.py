"""The marts of the fleet as a whole: its totals, when its jobs come, and how large they are."""

from collections import Counter
from datetime import timedelta

from tests.oracle.intervals import day_of, timestamp
from tests.oracle.jobs import used
from tests.oracle.statistics import grouped, hours, proportion, share, total


def fleet_totals(jobs):
    ended = [job for job in jobs if job.is_ended]
    return [
        {
            "submitted_jobs": len(jobs),
            "started_jobs": sum(job.is_started for job in jobs),
            "ended_jobs": len(ended),
            **used(jobs),
            "instance_hours": hours(sum(job.instance_time or 0 for job in jobs)),
            "billable_instance_hours": hours(total(job.billable_instance_time for job in jobs)),
            "bill_known_share": share(
                sum(job.instance_time or 0 for job in ended if job.billable is not None),
                sum(job.instance_time or 0 for job in ended),
            ),
        }
    ]


def calendar(jobs):
    told = {instant for job in jobs for instant in (job.created, job.started, job.observed, job.life_end, job.run_end)}
    told |= {job.released + job.retained for job in jobs if job.retained}
    days = sorted(day_of(instant) for instant in told - {None})
    span = range((days[-1] - days[0]).days + 1) if days else ()
    dates = [days[0] + timedelta(days=number) for number in span]
    return [{"date": date, "month": date.replace(day=1), "weekday": date.isoweekday()} for date in dates]


def arrivals(jobs):
    created = [timestamp(job.created) for job in jobs]
    days = Counter()
    if created:
        day, last = min(created).date(), max(created).date()
        while day <= last:
            days[day.isoweekday()] += 1
            day += timedelta(days=1)
    counts = Counter((each.isoweekday(), each.hour) for each in created)
    return [
        {
            "weekday": weekday,
            "hour_of_day": hour,
            "submitted_jobs": counts[weekday, hour],
            "days": days[weekday],
            "mean_submitted_jobs": share(counts[weekday, hour], days[weekday]),
        }
        for weekday in range(1, 8)
        for hour in range(24)
    ]


def job_sizes(jobs):
    rows = []
    for bucket, alike in grouped(jobs, lambda job: size_bucket(job.gpus)).items():
        of_bucket = used(alike)
        rows.append(
            {
                "size_bucket": bucket,
                "jobs": len(alike),
                "all_jobs": len(jobs),
                **proportion("job_share", len(alike), len(jobs)),
                "is_small_sample": len(jobs) < 20,
                "instance_hours": of_bucket["instance_hours"],
                "gpu_hours": of_bucket["gpu_hours"],
            }
        )
    return with_shares_of_hours(rows)


def with_shares_of_hours(rows):
    """Beside the hours of each row their share in those of all."""
    for measure in ("instance", "gpu"):
        whole = total(row[f"{measure}_hours"] for row in rows)
        for row in rows:
            row[f"{measure}_hour_share"] = share(row[f"{measure}_hours"], whole)
    return rows


def size_bucket(gpus):
    if gpus is None:
        return "unknown"
    return next((name for name, most in (("0", 0), ("1", 1), ("2-4", 4), ("5-8", 8)) if gpus <= most), ">8")


def job_size_quantiles(jobs):
    sizes = {
        "gpus": [(job.gpus, job.gpu_time) for job in jobs if job.gpus],
        "instances": [(job.instances, job.instance_time) for job in jobs if job.instances is not None],
    }
    return [
        {
            "measure": measure,
            "jobs": len(pairs),
            "hours": hours(sum(time for _, time in pairs)),
            "is_small_sample": len(pairs) < 20,
            **{f"p{percent}": _least([(size, 1) for size, _ in pairs], percent) for percent in (50, 90, 99)},
            **{f"p{percent}_by_hours": _least(pairs, percent) for percent in (50, 90, 99)},
        }
        for measure, pairs in sizes.items()
        if pairs
    ]


def _least(pairs, percent):
    """The least size so that sizes up to it have this much of the weight; None without any. Pairs: (size, weight)."""
    whole = sum(weight for _, weight in pairs)
    reached = 0
    for size, weight in sorted(pairs):
        reached += weight
        if whole and reached * 100 >= whole * percent:
            return size
    return None
