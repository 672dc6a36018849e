"""What the page is told: sums of the marts by day or month, account, region and instance type, and lists of the worst.

Here: the queries, and how finely days, accounts, regions and types are told apart, so that the page stays small however
large the fleet is. Not here: what is computed of them (`page.js`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb

from pipelines.models.functions import define_functions
from pipelines.tables import literal

OTHER = "other"
TEXT_LENGTH = 300  # of names and reasons, which documents may make as long as they like
FINGERPRINTS = 50
STATUSES = 30
LISTED_PER_MONTH = 10  # of each account, region and type: so the first ten of any selection are among them
LISTED = 5_000
IDLE = STUCK = LATE = QUOTAS = 200
ROWS_AT_MOST = 100_000  # of 30 bytes, 3 MB

# Seconds from which each of the page's classes of waits begins.
WAITS_FROM = (0, 10, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400)


@dataclass(frozen=True)
class Grain:
    """How finely is told apart: days up to the newest one, months before, and names of accounts, regions and types."""

    days: int
    months: int
    names: int


# The first that keeps ROWS_AT_MOST is taken, or the last.
GRAINS = (Grain(92, 24, 40), Grain(31, 24, 20), Grain(31, 13, 12), Grain(7, 13, 8), Grain(0, 13, 3))

# Each is summed over days or months, account, region and type: the mart, its date, its other keys, and its measures.
_SUMS = {
    # Where nothing ran, that nothing was billed is left out: no sum shall hide that bills are unknown where some did.
    "utilization": (
        "(select * replace (case when instance_hours > 0 or billable_instance_hours > 0 then billable_instance_hours"
        " end as billable_instance_hours) from marts.utilization_daily)",
        (),
        ("submitted_jobs", "started_jobs", "ended_jobs", "instance_hours", "gpu_hours", "billable_instance_hours"),
    ),
    "failures": (
        "marts.failure_rates_daily",
        (),
        ("completed_jobs", "failed_jobs", "stopped_jobs", "started_and_ended_jobs", "started_and_failed_jobs"),
    ),
    "statuses": (
        "(select * replace (case when secondary_status in (from kept_statuses) then secondary_status"
        f" else '{OTHER}' end as secondary_status, case when secondary_status in (from kept_statuses) then phase"
        f" else '{OTHER}' end as phase) from marts.secondary_status_time_daily)",
        ("secondary_status", "phase"),
        ("visits", "seconds"),
    ),
    "fingerprints": (
        "(select local_time(life_end_at)::date as date, *, 1 as jobs from marts.fct_training_jobs"
        " where training_job_status = 'Failed' and failure_fingerprint in (select failure_fingerprint from reasons))",
        ("failure_fingerprint",),
        ("jobs", "instance_hours"),
    ),
    # Types that only groups of heterogeneous jobs have are of these.
    "costs": (
        "(select * replace (case when (account_id, region, instance_type) in (select (account_id, region,"
        " instance_type) from places) then instance_type else 'heterogeneous' end as instance_type)"
        " from marts.list_costs_daily where not is_prepaid)",
        ("line",),
        ("billed_instance_hours", "priced_instance_hours", "list_cost"),
    ),
    "waits": (
        "(select local_time(creation_time)::date as date, *, 1 as jobs, case when is_started then"
        " wait_class(queue_wait_seconds) when is_ended then -1 else -2 end as waited from marts.fct_training_jobs)",
        ("waited",),
        ("jobs", "queue_wait_seconds"),
    ),
}
_MONTHLY_SUMS = {
    "goodput": (
        "marts.goodput_monthly",
        ("instance_hours", "productive_instance_hours_low", "productive_instance_hours_high"),
    ),
    "spot": (
        "marts.spot_savings_monthly",
        ("ended_jobs", "trained_instance_hours", "billed_instance_hours", "instance_hours", "interruptions"),
    ),
}
# Peaks of parts do not add up: in an hour that of the whole is at least the highest of theirs, and its mean, and at
# most their sum. So each choice of an account, a region and a type, or of all, has rows of its own.
_PEAKS = f"""
    select period_start(hour::date) as start, period_days(hour::date) as days, account, region, instance_type,
        {", ".join(f"max({unit}_{end}) as {unit}_{end}" for unit in ("instances", "gpus") for end in ("low", "high"))}
    from (
        select hour, account, shown_region as region, shown_type as instance_type,
            greatest(max(peak_instances), ceil(sum(mean_instances) - 1e-6)::bigint) as instances_low,
            greatest(max(peak_gpus), ceil(sum(mean_gpus) - 1e-6)::bigint) as gpus_low,
            sum(peak_instances) as instances_high, sum(peak_gpus) as gpus_high
        from marts.utilization_hourly join cells using (account_id, region, instance_type)
        where is_kept(hour::date)
        group by hour, cube (account, shown_region, shown_type)
    ) group by all order by all
"""
_LISTS = {
    "fleet_peaks": """
        select period_start(hour::date) as start, period_days(hour::date) as days,
            max(peak_instances) as instances, max(peak_gpus) as gpus
        from marts.fleet_utilization_hourly where is_kept(hour::date) group by all order by all
    """,
    "reasons": "from reasons",
    "waste": """
        select c."group", waste, cause, sum(jobs) as jobs,
            sum(wasted_instance_hours) as instance_hours, sum(wasted_gpu_hours) as gpu_hours,
            sum(user_stopped_instance_hours) as user_stopped_instance_hours,
            sum(user_stopped_gpu_hours) as user_stopped_gpu_hours
        from marts.wasted_instance_hours join cells as c using (account_id, region, instance_type)
        group by all order by all
    """,
    "slowest": f"""
        select date_trunc('month', local_time(run_end_at))::date as start, month_days(local_time(run_end_at)) as days,
            c."group", training_job_name, j.instance_type, instance_count, training_job_status,
            creation_time, queue_wait_seconds, run_seconds, j.instance_hours
        from marts.fct_training_jobs as j join cells as c using (account_id, region, instance_type)
        where run_seconds is not null and is_kept(local_time(run_end_at)::date)
        qualify row_number() over (
            partition by c."group", date_trunc('month', local_time(run_end_at))
            order by run_seconds desc, training_job_arn
        ) <= {LISTED_PER_MONTH}
        order by run_seconds desc, training_job_arn limit {LISTED}
    """,
    "idle": f"""
        select c."group", training_job_name, team, i.instance_type, i.gpu_hours, idle_gpu_hours, idle_share,
            mean_share, coverage_share
        from marts.idle_gpu_jobs as i join cells as c using (account_id, region, instance_type)
        order by idle_gpu_hours desc, training_job_arn limit {IDLE}
    """,
    # Those of all types together, and of types that only groups of heterogeneous jobs have, are of all types.
    "quotas": f"""
        select coalesce(c."group", p."group") as "group", q.account_id, q.region, q.instance_type, kind, is_spot,
            arg_max(quota_instances, date) as quota_instances, max(peak_instances) as peak_instances,
            max(peak_utilization) as peak_utilization, sum(seconds_at_quota) as seconds_at_quota,
            sum(waited_jobs_at_quota)::bigint as waited_jobs_at_quota
        from marts.quota_utilization_daily as q
        join cells as p on q.account_id = p.account_id and q.region = p.region and p.instance_type is null
        left join cells as c
            on (q.account_id, q.region, q.instance_type) = (c.account_id, c.region, c.instance_type)
        where date > (select max(date) - 30 from marts.quota_utilization_daily)
        group by all having max(peak_instances) > 0 or sum(waited_jobs_at_quota) > 0
        order by seconds_at_quota desc, peak_utilization desc nulls last, 2, 3, 4, 5, 6 limit {QUOTAS}
    """,
    "dearest": f"""
        select date_trunc('month', local_time(life_end_at))::date as start, month_days(local_time(life_end_at)) as days,
            c."group", training_job_name, training_job_status, line, j.instance_type, j.instance_count, billed_seconds,
            price_per_hour, price_valid_from::varchar as price_valid_from, list_cost
        from marts.fct_training_job_costs as j
        join (select training_job_arn, training_job_name, training_job_status, life_end_at, instance_type as job_type
            from marts.fct_training_jobs) using (training_job_arn)
        join cells as c on (j.account_id, j.region, job_type) = (c.account_id, c.region, c.instance_type)
        where list_cost is not null and is_kept(local_time(life_end_at)::date)
        qualify row_number() over (
            partition by c."group", date_trunc('month', local_time(life_end_at))
            order by list_cost desc, training_job_arn, line, j.instance_type, price_valid_from
        ) <= {LISTED_PER_MONTH}
        order by list_cost desc, training_job_arn, line, j.instance_type, price_valid_from limit {LISTED}
    """,
    "stuck": f"""
        select c."group", training_job_name, secondary_status, s.instance_type, instance_count, since, age_seconds,
            p99_seconds, is_small_sample
        from marts.stuck_jobs as s join cells as c using (account_id, region, instance_type)
        order by age_seconds desc, training_job_arn limit {STUCK}
    """,
    "stuck_counts": """
        select c."group", count(*) as jobs
        from marts.stuck_jobs join cells as c using (account_id, region, instance_type) group by all order by all
    """,
    "quality": """
        select c."group", flaw, sum(examined_jobs) as examined_jobs, sum(flawed_jobs) as flawed_jobs
        from marts.data_quality as q
        join cells as c on q.account_id = c.account_id and q.region = c.region and c.instance_type is null
        group by all order by all
    """,
    "freshness": f"""
        select c."group", f.account_id, f.region, newest_last_modified_time, newest_observed_at,
            newest_change_age_seconds
        from marts.freshness as f
        join cells as c on f.account_id = c.account_id and f.region = c.region and c.instance_type is null
        order by newest_observed_at, f.account_id, f.region limit {LATE}
    """,
    "queue_wait": "from marts.queue_wait",
    "groups": """
        select distinct "group", account, shown_region as region, shown_type as instance_type from cells
        order by "group"
    """,
    "build": "from marts.build_info",
}


def facts_of(warehouse: Path, grains: Sequence[Grain] = GRAINS, rows_at_most: int = ROWS_AT_MOST) -> dict[str, Any]:
    """Everything that the page is told of a published warehouse, as JSON has it.

    A table is its columns, each a list. A column of text is its distinct values, and for each row which of them it is.
    Days are counted from 1970-01-01, instants are UTC in text.
    """
    with _opened(warehouse) as connection:
        ((newest,),) = connection.execute("select max(date) from marts.utilization_daily").fetchall()
        for grain in grains:
            first_day, first_month = _keep(connection, grain, newest or date(1970, 1, 1))
            tables = dict(_queries())
            for name, query in tables.items():
                connection.execute(f"create or replace temp table told_{name} as {query}")
            counts = [connection.execute(f"select count(*) from told_{name}").fetchall()[0][0] for name in tables]
            if sum(counts) <= rows_at_most:
                break
        told = {name: _columns(connection.execute(f"from told_{name}")) for name in tables}
        ((oldest,),) = connection.execute("select min(date) from marts.utilization_daily").fetchall()
    return {
        "tables": told,
        "waits_from": WAITS_FROM,
        "kept": {
            "oldest": _told(max(oldest, first_month)) if oldest else None,
            "newest": _told(newest),
            "by_day_from": _told(first_day),
            "is_cut": bool(oldest and oldest < first_month),
            "names": grain.names,
            "slowest_are_cut": len(told["slowest"]["start"]) == LISTED,
            "fingerprints": FINGERPRINTS,
        },
    }


@contextmanager
def _opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that sees the warehouse's marts as its own."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(warehouse))} as warehouse (read_only)")
        ((time_zone,),) = connection.execute("select time_zone from warehouse.marts.build_info").fetchall()
        connection.execute("create schema marts")
        tables = "select table_name from duckdb_tables() where database_name = 'warehouse' and schema_name = 'marts'"
        for (mart,) in connection.execute(tables).fetchall():
            connection.execute(f"create view marts.{mart} as from warehouse.marts.{mart}")
        define_functions(connection, time_zone)
        yield connection


def _keep(connection: duckdb.DuckDBPyConnection, grain: Grain, newest: date) -> tuple[date, date]:
    """Settle what is told apart; return the first day that is, and the first month."""
    month = newest.replace(day=1)
    first_day = (newest - timedelta(days=grain.days)).replace(day=1) if grain.days else _months_after(month, 1)
    first_month = _months_after(month, -grain.months)
    starts = ", ".join(str(seconds) for seconds in WAITS_FROM)
    connection.execute(f"""
        create or replace temp macro is_kept(day) as day >= {literal(str(first_month))}::date;
        create or replace temp macro month_days(day) as day(last_day(day::date));
        create or replace temp macro period_start(day) as
            case when day >= {literal(str(first_day))}::date then day else date_trunc('month', day)::date end;
        create or replace temp macro period_days(day) as
            case when day >= {literal(str(first_day))}::date then 1 else month_days(day) end;
        create or replace temp macro wait_class(seconds) as
            len(list_filter([{starts}], lambda least: least <= greatest(seconds, 0))) - 1;
        create or replace temp table places as
            select account_id, region, instance_type, count(*) as jobs, coalesce(sum(instance_hours), 0) as hours
            from marts.fct_training_jobs group by all
            union all by name
            select account_id, region, 0 as jobs, 0 as hours from marts.freshness;
        create or replace temp table cells as
            with shown as (
                select account_id, region, instance_type, {_shown("account_id", grain)} as account,
                    {_shown("region", grain)} as shown_region, {_shown("instance_type", grain)} as shown_type
                from (select distinct account_id, region, instance_type from places
                    union select account_id, region, null from places)
            )
            select *, dense_rank() over (order by account, shown_region, shown_type nulls first) - 1 as "group"
            from shown;
        create or replace temp table kept_statuses as
            select secondary_status from marts.secondary_status_time_daily group by secondary_status
            order by sum(seconds) desc, secondary_status limit {STATUSES};
        create or replace temp table reasons as
            select failure_fingerprint, left(arg_max(masked_reason, last_seen_at), {TEXT_LENGTH}) as reason,
                arg_max(failure_class, last_seen_at) as failure_class,
                arg_max(failure_actor, last_seen_at) as failure_actor, max(last_seen_at) as last_seen_at
            from marts.failure_fingerprints group by failure_fingerprint
            order by sum(jobs) desc, failure_fingerprint limit {FINGERPRINTS};
    """)
    return first_day, first_month


def _shown(column: str, grain: Grain) -> str:
    """The name that a column's value has on the page: its own if it is one of those that use the most."""
    return f"""
        case when {column} is null or {column} in (
            select {column} from places where {column} is not null group by {column}
            order by sum(hours) desc, sum(jobs) desc, {column} limit {grain.names}
        ) then left({column}, {TEXT_LENGTH}) else '{OTHER}' end
    """


def _queries() -> Iterator[tuple[str, str]]:
    for name, (source, keys, measures) in _SUMS.items():
        columns = ["period_start(date) as start", "period_days(date) as days", 'c."group"', *keys]
        yield name, _sums(source, columns, measures)
    for name, (source, measures) in _MONTHLY_SUMS.items():
        yield name, _sums(source, ["date as start", "month_days(date) as days", 'c."group"'], measures)
    yield "peaks", _PEAKS
    yield from _LISTS.items()


def _sums(source: str, keys: Sequence[str], measures: Sequence[str]) -> str:
    sums = [f"sum(s.{measure}) as {measure}" for measure in measures]
    return f"""
        select {", ".join([*keys, *sums])}
        from {source} as s join cells as c using (account_id, region, instance_type)
        where is_kept(date) group by all order by all
    """


def _months_after(month: date, months: int) -> date:
    count = month.year * 12 + month.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _columns(cursor: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = [name for name, *_ in cursor.description or ()]
    rows = cursor.fetchall()
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return {name: _column([_told(value) for value in values]) for name, values in zip(names, columns, strict=True)}


def _column(values: list[Any]) -> Any:
    if not any(isinstance(value, str) for value in values):
        return values
    distinct = {value: position for position, value in enumerate(dict.fromkeys(values))}
    return {"values": list(distinct), "codes": [distinct[value] for value in values]}


def _told(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    if isinstance(value, float):
        return round(value, 4) if isfinite(value) else None  # JSON has no others
    if isinstance(value, str):
        return value[:TEXT_LENGTH]
    return value
