"""The marts of what was in use, by hour and day."""

import itertools
from collections import Counter

from tests.oracle.intervals import DAY, HOUR, buckets, day_of, overlap, timestamp
from tests.oracle.statistics import grouped, hours, seconds, share, total


def utilization_hourly(jobs):
    active = grouped(_job_hours(jobs), lambda pair: (pair[0], *pair[1].dimensions.values()))
    return [
        {"hour": timestamp(hour), **pairs[0][1].dimensions, **_use(hour, [job for _, job in pairs])}
        for (hour, *_), pairs in active.items()
    ]


def fleet_utilization_hourly(jobs):
    started = [job for job in jobs if job.is_started]
    if not started:
        return []
    first_day = min(job.started for job in started) // DAY * DAY
    last_day = max(job.run_end for job in started) // DAY * DAY
    active = grouped(_job_hours(jobs), lambda pair: pair[0])
    return [
        {"hour": timestamp(hour), **_use(hour, [job for _, job in active.get(hour, [])])}
        for hour in range(first_day, last_day + DAY, HOUR)
    ]


def _job_hours(jobs):
    """(hour, job) for each hour in which a job was running: it started before its end, and ended after its start."""
    return [
        (hour, job)
        for job in jobs
        if job.is_started
        for hour in buckets(job.started, job.run_end, HOUR)
        if job.run_end > hour
    ]


def _use(hour, active):
    """Use in one hour by the jobs that are active in it."""
    gpu_known = [job for job in active if job.gpus is not None]
    peak_jobs, job_time = _peak_and_time(hour, [(job, 1) for job in active])
    peak_instances, instance_time = _peak_and_time(hour, [(job, job.instances or 0) for job in active])
    peak_gpus, gpu_time = _peak_and_time(hour, [(job, job.gpus) for job in gpu_known])
    if active and not gpu_known:
        peak_gpus = gpu_time = None
    p95_gpus = _p95(hour, [(job, job.gpus) for job in gpu_known]) if gpu_known or not active else None
    return {
        "active_jobs": len(active),
        "gpu_known_jobs": len(gpu_known),
        "p95_jobs": _p95(hour, [(job, 1) for job in active]),
        "p95_instances": _p95(hour, [(job, job.instances or 0) for job in active]),
        "p95_gpus": p95_gpus,
        "peak_jobs": peak_jobs,
        "mean_jobs": hours(job_time),
        "peak_instances": peak_instances,
        "mean_instances": hours(instance_time),
        "peak_gpus": peak_gpus,
        "mean_gpus": hours(gpu_time),
        "instance_hours": hours(instance_time),
        "gpu_hours": hours(gpu_time),
    }


def _peak_and_time(hour, sizes):
    """Greatest level within the hour, and the level's integral over it, of ``sizes``: pairs (job, how much it uses).

    The level only rises where a job starts, so it is looked at there, and as the hour begins.
    """
    instants = {hour} | {job.started for job, _ in sizes if job.started > hour}
    peak = max(sum(size for job, size in sizes if job.started <= instant < job.run_end) for instant in instants)
    return peak, sum(size * overlap(job.started, job.run_end, hour, hour + HOUR) for job, size in sizes)


def _p95(hour, sizes):
    """The least level that is not exceeded for 95 % of the hour."""
    exact = times_of_levels(hour, hour + HOUR, sizes)
    reached = 0
    for level in sorted(exact):
        reached += exact[level]
        if reached * 100 >= 95 * HOUR:
            return level
    raise AssertionError("the levels of an hour last as long as it")


def times_of_levels(start, end, sizes):
    """level -> microseconds within ``[start, end)`` at which ``sizes``, pairs (job, how much it uses), sum to it."""
    edges = sorted(
        {start, end} | {edge for job, _ in sizes for edge in (job.started, job.run_end) if start < edge < end}
    )
    times = {}
    for edge, following in itertools.pairwise(edges):
        level = sum(size for job, size in sizes if job.started <= edge < job.run_end)
        times[level] = times.get(level, 0) + following - edge
    return times


def concurrency_levels(jobs):
    return [
        {**alike[0].dimensions, **row}
        for alike in grouped(jobs, lambda job: tuple(job.dimensions.values())).values()
        for row in fleet_concurrency_levels(alike)
    ]


def fleet_concurrency_levels(jobs):
    started = [job for job in jobs if job.is_started]
    rows = []
    for measure, size in (
        ("jobs", lambda job: 1),
        ("instances", lambda job: job.instances or 0),
        ("gpus", lambda job: job.gpus or 0),
    ):
        times = _swept([(job, size(job)) for job in started])
        rows += [
            {
                "measure": measure,
                "level": level,
                "seconds": seconds(times[level]),
                "seconds_at_or_above": seconds(sum(time for other, time in times.items() if other >= level)),
            }
            for level in times
            if level > 0
        ]
    return rows


def _swept(sizes):
    """As `times_of_levels`, over all time: what is in use changes by what starts and ends at each instant."""
    changes = Counter()
    for job, size in sizes:
        changes[job.started] += size
        changes[job.run_end] -= size
    times = Counter()
    level = 0
    for instant, following in itertools.pairwise(sorted(changes)):
        level += changes[instant]
        times[level] += following - instant
    return times


def utilization_daily(jobs):
    rows = []
    for alike in grouped(jobs, lambda job: tuple(job.dimensions.values())).values():
        of_days = grouped(((day, job) for job in alike for day in days_of(job)), lambda pair: pair[0])
        for day, pairs in of_days.items():
            row = day_use(day, [job for _, job in pairs])
            if row:
                rows.append({"date": day_of(day), **alike[0].dimensions, **row})
    return rows


def days_of(job):
    """Days on which there can be anything to tell of a job."""
    return {
        *buckets(job.created, job.life_end, DAY),
        *buckets(job.life_end, job.life_end, DAY),
        *(buckets(job.started, job.run_end, DAY) if job.is_started else ()),
    }


def day_use(day, jobs):
    """What is told of a day for the jobs that touch it; None if there is nothing."""
    running = [job for job in jobs if running_time(job, day)]
    instance_time = sum((job.instances or 0) * running_time(job, day) for job in running)
    gpu_time = total(None if job.gpus is None else job.gpus * running_time(job, day) for job in running)
    gpu_known_time = sum((job.instances or 0) * running_time(job, day) for job in running if job.gpus is not None)
    billable_time = total(_bill(job, day) for job in jobs)
    lifetime = sum(overlap(job.created, job.life_end, day, day + DAY) for job in jobs)
    training = sum(
        overlap(visit.start, visit.end, day, day + DAY)
        for job in jobs
        for visit in job.visits
        if visit.status == "Training"
    )
    counts = {
        "submitted_jobs": sum(within(job.created, day) for job in jobs),
        "started_jobs": sum(within(job.started, day) for job in jobs if job.is_started),
        "active_jobs": sum(job.is_started and job.started < day + DAY and job.run_end > day for job in jobs),
        "ended_jobs": sum(within(job.life_end, day) for job in jobs if job.is_ended),
    }
    if not any([*counts.values(), instance_time, gpu_time, billable_time, lifetime]):
        return None
    return {
        **counts,
        "instance_hours": hours(instance_time),
        # Unknown only if something ran and nothing is known of it; 0 if nothing ran.
        "gpu_hours": hours(gpu_time if running else 0),
        "gpu_known_share": share(gpu_known_time, instance_time),
        # Likewise.
        "billable_instance_hours": hours(0 if billable_time is None and not running else billable_time),
        "training_share": share(training, lifetime),
    }


def within(instant, day):
    return day <= instant < day + DAY


def running_time(job, day):
    return overlap(job.started, job.run_end, day, day + DAY) if job.is_started else 0


def _bill(job, day):
    """Instances x billed time of a day; None if that is not known, or the job neither ran nor was billed on the day."""
    if job.billable is None or job.instances is None:
        return None
    if job.is_started:
        return job.instances * billed(job, day) if day in buckets(job.started, job.run_end, DAY) else None
    return job.instances * job.billable if job.billable and within(job.life_end, day) else None


def billed(job, day):
    """Billable microseconds of a day: spread evenly over the run, or of the day of its start or end if there is none.

    Rounded down on the way, from the start of the run to the end of each day, so that the days sum to the whole.
    """
    billable = job.billable or 0
    if job.run == 0:
        return billable if within(job.started if job.is_started else job.life_end, day) else 0
    until_end, until_start = (
        billable * overlap(job.started, job.run_end, job.started, edge) // job.run for edge in (day + DAY, day)
    )
    return until_end - until_start
