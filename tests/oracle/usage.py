"""The marts of instances by their real type: used, billed, and held against quotas and capacity.

Reference data is as in `reference/`: rows as dicts, dates as dates.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import date

from tests.oracle.failures import judged, reason_of
from tests.oracle.fleet import calendar
from tests.oracle.intervals import DAY, EPOCH, HOUR, buckets, day_of, overlap, timestamp
from tests.oracle.owners import OWNERS
from tests.oracle.statistics import grouped, hours, seconds, share, total
from tests.oracle.utilization import billed, day_use, days_of, running_time

_QUIET_DAY = dict.fromkeys(
    ("submitted_jobs", "started_jobs", "active_jobs", "ended_jobs", "instance_hours", "gpu_hours"), 0
) | {"gpu_known_share": None, "billable_instance_hours": 0, "training_share": None}


def instance_type_utilization_daily(jobs):
    rows = []
    for (day, *_), parts in _parts_by_type(jobs, lambda job: job.is_spot).items():
        used = total(_times(instances, running_time(job, day)) for job, _, instances, _ in parts)
        rows.append(
            {
                "date": day_of(day),
                **_dimensions(parts),
                "instance_hours": hours(used),
                "gpu_hours": hours(total(_times(gpus, running_time(job, day)) for job, _, _, gpus in parts)),
                "gpu_known_share": share(
                    sum(instances * running_time(job, day) for job, _, instances, gpus in parts if gpus is not None),
                    used,
                ),
            }
        )
    return rows


def list_costs_daily(jobs, reference):
    rows = []
    for (day, *_), parts in _parts_by_type(jobs, lambda job: (job.is_spot, job.is_prepaid)).items():
        row = {
            "date": day_of(day),
            **_dimensions(parts),
            "is_prepaid": parts[0][0].is_prepaid,
            "line": "training",
        }
        ended = [(job, instances) for job, _, instances, _ in parts if job.is_ended and instances is not None]
        bill = total(
            None if job.billable is None else _times(instances, billed(job, day)) for job, _, instances, _ in parts
        )
        known = share(
            sum(instances * running_time(job, day) for job, instances in ended if job.billable is not None),
            sum(instances * running_time(job, day) for job, instances in ended),
        )
        rows.append(row | {"bill_known_share": known} | _cost(row, bill, reference))
    for (day, *_), parts in _pools_by_type(jobs).items():
        row = {"date": day_of(day), **_dimensions(parts), "is_prepaid": parts[0][0].is_prepaid, "line": "warm_pool"}
        bill = total(_times(instances, _retained(job, day)) for job, _, instances, _ in parts)
        ended = total(_times(instances, _retained(job, day)) for job, _, instances, _ in parts if job.is_ended)
        rows.append(row | {"bill_known_share": share(ended, ended)} | _cost(row, bill, reference))
    return rows


def fleet_totals_daily(jobs, reference):
    uses = grouped(((day, job) for job in jobs for day in days_of(job)), lambda pair: pair[0])
    by_date = {day_of(day): day_use(day, [job for _, job in pairs]) for day, pairs in uses.items()}
    ends = grouped((job for job in jobs if job.is_ended), lambda job: day_of(job.life_end))
    costs = grouped(list_costs_daily(jobs, reference), lambda row: row["date"])
    rows = []
    for day in calendar(jobs):
        statuses = Counter(job.status for job in ends.get(day["date"], []))
        paid = [row for row in costs.get(day["date"], []) if not row["is_prepaid"]]
        billed_hours, priced_hours, cost = (
            total(row[column] for row in paid)
            for column in ("billed_instance_hours", "priced_instance_hours", "list_cost")
        )
        rows.append(
            {
                "date": day["date"],
                **(by_date.get(day["date"]) or _QUIET_DAY),
                "completed_jobs": statuses["Completed"],
                "failed_jobs": statuses["Failed"],
                "stopped_jobs": statuses["Stopped"],
                "list_cost": cost if paid else 0,
                "priced_share": share(priced_hours, billed_hours),
            }
        )
    return rows


def list_costs_monthly(jobs, reference):
    months = grouped(
        list_costs_daily(jobs, reference),
        lambda row: (row["date"].replace(day=1), row["account_id"], row["region"], row["is_prepaid"], row["line"]),
    )
    rows = []
    for (month, account_id, region, is_prepaid, line), days in months.items():
        billed_hours, priced_hours, cost = (
            total(row[column] for row in days)
            for column in ("billed_instance_hours", "priced_instance_hours", "list_cost")
        )
        rows.append(
            {
                "date": month,
                "account_id": account_id,
                "region": region,
                "is_prepaid": is_prepaid,
                "line": line,
                "billed_instance_hours": billed_hours,
                "priced_instance_hours": priced_hours,
                "priced_share": share(priced_hours, billed_hours),
                "list_cost": cost,
            }
        )
    return rows


def training_job_costs(jobs, reference):
    parts = [
        ((job.document["TrainingJobArn"], line, named, *_price_key(job, named, day, reference)), day, count, job)
        for job in jobs
        for line, days in (("training", _days(job)), ("warm_pool", _pool_days(job)))
        for day in days
        for named, count in _type_sizes(job)
    ]
    rows = []
    for (arn, line, instance_type, price_since, is_of_spot), alike in grouped(parts, lambda part: part[0]).items():
        _, day, count, job = alike[0]
        times = total(_billed_of_line(job, line, day) for _, day, _, _ in alike)
        rows.append(
            {
                "training_job_arn": arn,
                "line": line,
                **job.dimensions,
                "instance_type": instance_type,
                "is_prepaid": job.is_prepaid,
                "price_valid_from": price_since,
                "price_is_spot": is_of_spot,
                "first_date": min(day_of(day) for _, day, _, _ in alike),
                "last_date": max(day_of(day) for _, day, _, _ in alike),
                "instance_count": count,
                "billed_seconds": seconds(times),
                **_job_cost(job, instance_type, day, _times(count, times), reference),
            }
        )
    return rows


def list_costs_by_team_and_status_daily(jobs, reference):
    parts = []
    for job in jobs:
        failure_class = judged(reason_of(job))[0] if job.status == "Failed" else None
        for line, days in (("training", _days(job)), ("warm_pool", _pool_days(job))):
            key = (job.account_id, job.region, OWNERS["team"](job), job.status, failure_class, job.is_prepaid, line)
            for day in days:
                for instance_type, count in _type_sizes(job):
                    bill = _times(count, _billed_of_line(job, line, day))
                    parts.append((day, *key, _job_cost(job, instance_type, day, bill, reference)))
    names = ("account_id", "region", "team", "training_job_status", "failure_class", "is_prepaid", "line")
    rows = []
    for (day, *key), alike in grouped(parts, lambda part: part[:-1]).items():
        sums = {
            name: total(part[-1][name] for part in alike)
            for name in ("billed_instance_hours", "priced_instance_hours", "list_cost")
        }
        priced_share = share(sums["priced_instance_hours"], sums["billed_instance_hours"])
        rows.append({"date": day_of(day), **dict(zip(names, key, strict=True)), **sums, "priced_share": priced_share})
    return rows


def _job_cost(job, instance_type, day, bill, reference):
    row = {"instance_type": instance_type, "region": job.region, "is_spot": job.is_spot}
    return _cost(row | {"is_prepaid": job.is_prepaid, "date": day_of(day)}, bill, reference)


def _price_key(job, instance_type, day, reference):
    """Since when the price holds that a job has on a day, and whether it is one of spot."""
    row = {"instance_type": instance_type, "region": job.region, "is_spot": job.is_spot}
    price = _price(row | {"date": day_of(day)}, reference)
    return (price["valid_from"], price["is_spot"]) if price and not job.is_prepaid else (None, None)


def _type_sizes(job):
    """Each instance type of a job with its instances, those of its groups together; None where all are unknown."""
    sizes = grouped(job.sizes_by_type, lambda size: size[0])
    return [(instance_type, total(count for _, count, _ in alike)) for instance_type, alike in sizes.items()]


def _pool_days(job):
    return buckets(job.released, job.released + job.retained, DAY) if job.retained else ()


def _billed_of_line(job, line, day):
    if line == "warm_pool":
        return _retained(job, day)
    return None if job.billable is None else billed(job, day)


def _price(row, reference):
    """The price in force on a date: of spot jobs that of spot if there is one, or on demand; None if there is none."""
    alike = [price for price in reference["prices"] if all(price[n] == row[n] for n in ("instance_type", "region"))]
    of_spot = _in_force([price for price in alike if price["is_spot"]], row["date"]) if row["is_spot"] else None
    return of_spot or _in_force([price for price in alike if not price["is_spot"]], row["date"])


def _cost(row, bill, reference):
    price = _price(row, reference)
    per_hour = price["price_per_hour"] if price and not row["is_prepaid"] else None
    priced = None if row["is_prepaid"] or bill is None else bill if per_hour is not None else 0
    return {
        "billed_instance_hours": hours(bill),
        "price_per_hour": per_hour,
        "priced_instance_hours": hours(priced),
        "list_cost": None if bill is None or per_hour is None else hours(bill) * per_hour,
    }


QUOTA = ("account_id", "region", "instance_type", "is_spot", "kind")


@dataclass
class _Use:
    """What counts towards a quota: so many instances for some time, of a job that waited before."""

    started: int
    run_end: int
    size: int
    created: int | None = None
    waited: int | None = None

    def waits(self, instant):
        return self.created is not None and self.created <= instant < self.waited


def _uses_of(jobs, key):
    account_id, region, wanted, is_spot, kind = key
    uses = []
    for job in jobs:
        sizes = [size or 0 for named, size, _ in job.sizes_by_type if wanted in (named, "all")]
        if (job.account_id, job.region, job.is_spot) != (account_id, region, is_spot) or not sizes:
            continue
        if kind == "warm_pools":
            if job.retained:
                uses.append(_Use(job.released, job.released + job.retained, sum(sizes)))
        else:
            # What never starts counts as nothing, for no time; what is kept in a warm pool is held on.
            begin = job.started if job.is_started else job.life_end
            end = job.released + (job.retained or 0)
            waited = max(job.created, job.started if job.is_started else job.life_end)
            uses.append(_Use(begin, end, sum(sizes), job.created, waited))
    return uses


def _stretches(uses, start, end):
    """(length, instances in use, jobs that wait) of each stretch within ``[start, end)`` in which these stay."""
    near = [use for use in uses if use.started < end and use.run_end > start]
    waiting = [use for use in uses if use.created is not None and use.created < end and use.waited > start]
    edges = {edge for use in near for edge in (use.started, use.run_end)}
    edges |= {edge for use in waiting for edge in (use.created, use.waited)}
    ordered = sorted({start, end} | {edge for edge in edges if start < edge < end})
    return [
        (
            following - edge,
            sum(use.size for use in near if use.started <= edge < use.run_end),
            sum(use.waits(edge) for use in waiting),
        )
        for edge, following in itertools.pairwise(ordered)
    ]


def quota_utilization_daily(jobs, reference):
    rows = []
    for key, quotas, uses in _limited(jobs, reference):
        of_days = _uses_of_days(uses)
        days = [(day, end, _limit_on(quotas, day), of_days.get(day, [])) for day, end in _days_of_place(jobs, *key[:2])]
        for day, end, limit, near in days:
            if limit is None:
                continue
            created = [use for use in near if use.created is not None and day <= use.created < end]
            waits = [_wait_at_quota(use, days) for use in created]
            rows.append(
                {
                    "date": day_of(day),
                    **dict(zip(QUOTA, key, strict=True)),
                    **_utilization(_stretches(near, day, end), limit, end - day),
                    "created_jobs": len(created),
                    "created_jobs_at_quota": sum(
                        sum(
                            other.size
                            for other in near
                            if other is not use and other.started <= use.created < other.run_end
                        )
                        >= limit
                        for use in created
                    ),
                    "waited_jobs_at_quota": sum(wait > 0 for wait in waits),
                    "wait_seconds_at_quota": seconds(sum(waits)),
                }
            )
    return rows


def quota_utilization_hourly(jobs, reference):
    rows = []
    for key, quotas, uses in _limited(jobs, reference):
        of_days = _uses_of_days(uses)
        for day, day_end in _days_of_place(jobs, *key[:2]):
            limit, near = _limit_on(quotas, day), of_days.get(day, [])
            # Of a quota of 0 all is in use if nothing is.
            for hour in range(day, day_end, HOUR) if limit == 0 or (limit is not None and near) else ():
                end = min(hour + HOUR, day_end)
                stretches = _stretches(near, hour, end)
                if limit and not any(level or waiting for _, level, waiting in stretches):
                    continue
                at_quota = [(length, waiting) for length, level, waiting in stretches if level >= limit]
                rows.append(
                    {
                        "hour": timestamp(hour),
                        **dict(zip(QUOTA, key, strict=True)),
                        **_utilization(stretches, limit, end - hour),
                        "p95_utilization": share(_p95(stretches), limit),
                        "peak_waiting_jobs_at_quota": max((waiting for _, waiting in at_quota), default=0),
                        "wait_seconds_at_quota": seconds(sum(length * waiting for length, waiting in at_quota)),
                    }
                )
    return rows


def _p95(stretches):
    """The least level that is not exceeded for 95 % of the time."""
    within = 0
    for length, level, _ in sorted(stretches, key=lambda stretch: stretch[1]):
        within += length
        if within * 100 >= 95 * sum(length for length, _, _ in stretches):
            return level
    raise AssertionError("the stretches last as long as the time")


def _limited(jobs, reference):
    """(key, its rows, what counts towards it) of each quota that anything counts towards."""
    for key, quotas in grouped(
        reference["quotas"], lambda quota: tuple(quota.get(name, "training_jobs") for name in QUOTA)
    ).items():
        if uses := _uses_of(jobs, key):
            yield key, quotas, uses


def _limit_on(quotas, day):
    quota = _in_force(quotas, day_of(day))
    limit = quota and quota["instances"]
    return None if limit is None or limit < 0 else limit


def _wait_at_quota(use, days):
    """For how long a job waited, on any day, while others used all of the quota of that day."""
    wait = 0
    for day, end, limit, near in days:
        if limit is not None and use.created < end and use.waited > day:
            within = _stretches(near, max(day, use.created), min(end, use.waited))
            wait += sum(length for length, level, _ in within if level >= limit)
    return wait


def _uses_of_days(uses):
    """day -> what counts, or waits, at some instant of it."""
    of_days = {}
    for use in uses:
        days = {*buckets(use.started, use.run_end, DAY)}
        if use.created is not None:
            days |= {*buckets(use.created, use.waited, DAY)}
        for day in days:
            of_days.setdefault(day, []).append(use)
    return of_days


def _utilization(stretches, limit, time):
    peak = max(level for _, level, _ in stretches)
    return {
        "quota_instances": limit,
        "peak_instances": peak,
        "peak_utilization": share(peak, limit),
        "mean_utilization": share(sum(length * level for length, level, _ in stretches), limit * time),
        "seconds": seconds(time),
        "seconds_at_quota": seconds(sum(length for length, level, _ in stretches if level >= limit)),
    }


# The day on which SageMaker came into being.
_FIRST_DAY_OF_ALL = date(2017, 11, 29)


def capacity_utilization_daily(jobs, reference):
    keys = ("account_id", "region", "instance_type")
    used = Counter()
    for (day, *key, _), parts in _parts_by_type(jobs, lambda job: None).items():
        for job, _, instances, _ in parts:
            used[day, *key] += (instances or 0) * running_time(job, day)
    rows = []
    for key, blocks in grouped(reference["capacities"], lambda block: tuple(block[name] for name in keys)).items():
        there = Counter()
        end = _seen_until(jobs, *key[:2])
        for block in blocks:
            for day in _days_of_block(block, end):
                there[day] += block["instances"]
        for day in there:
            time = min(day + DAY, end) - day
            rows.append(
                {
                    "date": day_of(day),
                    **dict(zip(keys, key, strict=True)),
                    "capacity_instances": there[day],
                    "capacity_instance_hours": hours(there[day] * time),
                    "instance_hours": hours(used[day, *key]),
                    "utilization": share(used[day, *key], there[day] * time),
                }
            )
    return rows


def _days_of_block(block, end):
    """Starts of the days before ``end`` on which a block of capacity was there."""
    if end is None or block["instances"] is None or block["instances"] < 0:
        return ()
    until = block["valid_until"]
    first = _midnight(max(block["valid_from"], _FIRST_DAY_OF_ALL))
    return range(first, end if until is None else min(end, _midnight(until)), DAY)


def _midnight(date):
    return (date - EPOCH.date()).days * DAY


def _seen_until(jobs, account_id, region):
    """When a job was last seen there, or where there are none when any was; None if there are none at all."""
    there = [job.observed for job in jobs if (job.account_id, job.region) == (account_id, region)]
    return max(there or [job.observed for job in jobs], default=None)


def _days_of_place(jobs, account_id, region):
    """(start, end) of each day from that of the first creation, the last one until a job was last seen there."""
    as_of = _seen_until(jobs, account_id, region)
    if as_of is None:
        return []
    return [
        (day, min(day + DAY, as_of)) for day in buckets(min(job.created for job in jobs), as_of, DAY) if day < as_of
    ]


def _in_force(rows, date):
    """Of dated rows, the one in force on a date; None if there is none yet."""
    return max((row for row in rows if row["valid_from"] <= date), key=lambda row: row["valid_from"], default=None)


def _parts_by_type(jobs, more):
    """(day, account, region, instance type, more) -> (job, type, instances, GPUs) of what ran or was billed then."""
    return _grouped_by_type([(day, job) for job in jobs for day in _days(job)], more)


def _pools_by_type(jobs):
    """The same of warm pools."""
    pairs = [
        (day, job) for job in jobs if job.retained for day in buckets(job.released, job.released + job.retained, DAY)
    ]
    return _grouped_by_type(pairs, lambda job: (job.is_spot, job.is_prepaid))


def _grouped_by_type(pairs, more):
    parts = {}
    for day, job in pairs:
        for instance_type, instances, gpus in job.sizes_by_type:
            key = (day, job.account_id, job.region, instance_type, more(job))
            parts.setdefault(key, []).append((job, instance_type, instances, gpus))
    return parts


def _days(job):
    if job.is_started:
        return buckets(job.started, job.run_end, DAY)
    return buckets(job.life_end, job.life_end, DAY) if job.billable else ()


def _dimensions(parts):
    return parts[0][0].dimensions | {"instance_type": parts[0][1]}


def _retained(job, day):
    return overlap(job.released, job.released + job.retained, day, day + DAY)


def _times(count, time):
    return None if count is None or time is None else count * time
