"""The marts of instances by their real type: used, billed, and held against quotas and capacity.

Reference data is as in `reference/`: rows as dicts, dates as dates.
"""

from collections import Counter

from tests.oracle.intervals import DAY, buckets, day_of, overlap
from tests.oracle.statistics import grouped, hours, seconds, share, total
from tests.oracle.utilization import billed, running_time, times_of_levels


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


def _cost(row, bill, reference):
    price = _in_force(
        [
            price
            for price in reference["prices"]
            if all(price[name] == row[name] for name in ("instance_type", "region", "is_spot"))
        ],
        row["date"],
    )
    per_hour = price["price_per_hour"] if price and not row["is_prepaid"] else None
    priced = None if row["is_prepaid"] or bill is None else bill if per_hour is not None else 0
    return {
        "billed_instance_hours": hours(bill),
        "price_per_hour": per_hour,
        "priced_instance_hours": hours(priced),
        "list_cost": None if bill is None or per_hour is None else hours(bill) * per_hour,
    }


def quota_utilization_daily(jobs, reference):
    rows = []
    keys = ("account_id", "region", "instance_type", "is_spot")
    for key, quotas in grouped(reference["quotas"], lambda quota: tuple(quota[name] for name in keys)).items():
        sizes = [
            (job, sum(instances or 0 for instance_type, instances, _ in job.sizes_by_type if instance_type == key[2]))
            for job in jobs
            if (job.account_id, job.region, job.is_spot) == (key[0], key[1], key[3])
            and any(instance_type == key[2] for instance_type, _, _ in job.sizes_by_type)
        ]
        for day, end in _days_of_fleet(jobs):
            quota = _in_force(quotas, day_of(day))
            limit = quota and quota["instances"]
            if limit is None or limit < 0:
                continue
            started = [(job, size) for job, size in sizes if job.is_started]
            near = [(job, size) for job, size in started if job.started < end and job.run_end > day]
            times = times_of_levels(day, end, near)
            created = [(job, size) for job, size in sizes if day <= job.created < end]
            rows.append(
                {
                    "date": day_of(day),
                    **dict(zip(keys, key, strict=True)),
                    "quota_instances": limit,
                    "peak_instances": max(times),
                    "peak_utilization": share(max(times), limit),
                    "mean_utilization": share(sum(level * time for level, time in times.items()), limit * (end - day)),
                    "seconds": seconds(end - day),
                    "seconds_at_quota": seconds(sum(time for level, time in times.items() if level >= limit)),
                    "created_jobs": len(created),
                    "created_jobs_at_quota": sum(
                        sum(
                            size
                            for other, size in started
                            if other is not job and other.started <= job.created < other.run_end
                        )
                        >= limit
                        for job, _ in created
                    ),
                }
            )
    return rows


def capacity_utilization_daily(jobs, reference):
    keys = ("account_id", "region", "instance_type")
    used = Counter()
    for (day, *key, _), parts in _parts_by_type(jobs, lambda job: None).items():
        for job, _, instances, _ in parts:
            used[day, *key] += (instances or 0) * running_time(job, day)
    rows = []
    for key, blocks in grouped(reference["capacities"], lambda block: tuple(block[name] for name in keys)).items():
        for day, end in _days_of_fleet(jobs):
            there = [
                block["instances"]
                for block in blocks
                if block["instances"] is not None
                and block["instances"] >= 0
                and block["valid_from"] <= day_of(day)
                and (block["valid_until"] is None or day_of(day) < block["valid_until"])
            ]
            if there:
                rows.append(
                    {
                        "date": day_of(day),
                        **dict(zip(keys, key, strict=True)),
                        "capacity_instances": sum(there),
                        "capacity_instance_hours": hours(sum(there) * (end - day)),
                        "instance_hours": hours(used[day, *key]),
                        "utilization": share(used[day, *key], sum(there) * (end - day)),
                    }
                )
    return rows


def _days_of_fleet(jobs):
    """(start, end) of each day from that of the first creation, the last one until a job was last seen."""
    if not jobs:
        return []
    as_of = max(job.observed for job in jobs)
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
    return None if count is None else count * time
