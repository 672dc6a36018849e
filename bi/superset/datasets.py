"""What Superset knows of the warehouse: the marts that charts draw, and the metrics that add up over their rows.

Here: which marts, their time, and metrics, each said once. A share is the sum of its numerators over that of its
denominators, so that it is right for whatever filters and groups are chosen. Not here: what tables and columns are,
which the warehouse's own comments tell (``build``), and how metrics are drawn (``charts``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Formats of d3, as Superset has them.
COUNT = ",d"
AMOUNT = ",.1f"
SHARE = ".1%"
MONEY = ",.0f"  # in whatever currency prices are


@dataclass(frozen=True)
class Metric:
    """An aggregate over rows of a dataset; ``about`` is a sentence, or the column whose comment is one."""

    name: str
    sql: str
    format: str = AMOUNT
    about: str = ""


@dataclass(frozen=True)
class Dataset:
    """A mart, or a query over the warehouse if it has ``sql``; ``comments`` describe what is in no mart."""

    name: str
    metrics: tuple[Metric, ...]
    time: str | None = None
    calculated: dict[str, str] = field(default_factory=dict)  # column -> expression
    comments: dict[str, str] = field(default_factory=dict)  # column -> sentence
    sql: str | None = None
    about: str = ""  # of a query: what its rows are

    def metric(self, name: str) -> Metric:
        """The metric of that name; raises KeyError."""
        return {metric.name: metric for metric in self.metrics}[name]


def total(name: str, column: str, form: str = AMOUNT) -> Metric:
    """The sum of a column."""
    return Metric(name, f"sum({column})", form, column)


def share(name: str, part: str, whole: str, about: str) -> Metric:
    """A sum over another; null where that is 0."""
    return Metric(name, f"sum({part}) / nullif(sum({whole}), 0)", SHARE, about)


def rate_with_interval(name: str, part: str, whole: str, about: str) -> tuple[Metric, Metric, Metric]:
    """A share of counts, which are aggregates, and its 95 % interval by Wilson, as in staging.failure_rates."""
    rate = f"({part} / nullif({whole}, 0))"
    z2_share = f"(3.841458820694124 / nullif({whole}, 0))"
    centre = f"({rate} + {z2_share} / 2)"
    margin = f"sqrt({z2_share} * ({rate} * (1 - {rate}) + {z2_share} / 4))"
    # DuckDB's greatest and least leave nulls out: of nothing there would be an interval from 0 to 1.
    low, high = (
        f"case when {whole} > 0 then {end} end"
        for end in (
            f"greatest(0, ({centre} - {margin}) / (1 + {z2_share}))",
            f"least(1, ({centre} + {margin}) / (1 + {z2_share}))",
        )
    )
    interval = f"end of the 95 % interval (Wilson) of {name[0].lower() + name[1:]}; null if that is."
    return (
        Metric(name, rate, SHARE, about),
        Metric(f"{name}, at least", low, SHARE, f"Lower {interval}"),
        Metric(f"{name}, at most", high, SHARE, f"Upper {interval}"),
    )


INSTANCE_HOURS = total("Instance-hours", "instance_hours")
GPU_HOURS = total("GPU-hours", "gpu_hours")

JOBS = Dataset(
    "jobs",
    time="creation_time",
    about="One row per training job, as marts.fct_training_jobs, with its team and its failure's masked reason.",
    sql="""\
select
    j.* replace (coalesce(j.team, 'no team') as team),
    f.masked_reason
from marts.fct_training_jobs as j
left join marts.failure_fingerprints as f
    on j.failure_fingerprint = f.failure_fingerprint and j.failure_class = f.failure_class
""",
    comments={"team": "Value of its tag `team` (in any case), or `no team`."},
    metrics=(
        Metric("Jobs", "count(*)", COUNT, "Training jobs."),
        INSTANCE_HOURS,
        GPU_HOURS,
        Metric(
            "Failed jobs", "count(*) filter (where training_job_status = 'Failed')", COUNT, "Jobs that ended Failed."
        ),
        Metric(
            "Failed instance-hours",
            "sum(instance_hours) filter (where training_job_status = 'Failed')",
            about="Instance-hours of the runs of jobs that ended Failed.",
        ),
        Metric(
            "Last seen", "max(life_end_at)", "", "Newest end of life (UTC) of such a job, or when it was last seen."
        ),
        Metric(
            "Never started",
            "count(*) filter (where is_never_started)",
            COUNT,
            "Jobs that ended without having started.",
        ),
        Metric(
            "Median wait, minutes",
            "quantile_cont(queue_wait_seconds, 0.5) / 60",
            about="Median wait of jobs that started.",
        ),
        Metric(
            "90 % waited at most, minutes",
            "quantile_cont(queue_wait_seconds, 0.9) / 60",
            about="90th percentile of the waits of jobs that started.",
        ),
        Metric(
            "Waited in vain, hours",
            "coalesce(sum(lifetime_seconds) filter (where is_never_started), 0) / 3600",
            about="Time that never-started jobs waited, over all of them.",
        ),
    ),
)

ENDED_JOBS_BY_CLASS = Dataset(
    "ended_jobs_by_failure_class",
    time="date",
    about=(
        "One row per month, account, region, instance type, spot or not, failure class and actor, also where no job"
        " failed so: the jobs that did, and all that ended, which are the same for each class."
    ),
    sql="""\
select
    e.date,
    e.account_id,
    e.region,
    e.instance_type,
    e.is_spot,
    c.failure_class,
    c.failure_actor,
    coalesce(f.jobs, 0) as failed_jobs,
    e.completed_jobs + e.failed_jobs + e.stopped_jobs as ended_jobs,
    f.instance_hours
from marts.failure_rates_monthly as e
cross join (select distinct failure_class, failure_actor from marts.failure_classes_monthly) as c
left join marts.failure_classes_monthly as f
    on
        e.date = f.date
        and e.account_id = f.account_id
        and e.region = f.region
        and e.instance_type = f.instance_type
        and e.is_spot = f.is_spot
        and c.failure_class = f.failure_class
        and c.failure_actor is not distinct from f.failure_actor
""",
    comments={
        "failed_jobs": "Jobs that failed so.",
        "ended_jobs": "Jobs that ended in the month, however they did: the same for each class and actor.",
    },
    metrics=(
        total("Failed jobs", "failed_jobs", COUNT),
        *rate_with_interval(
            "Share of ended jobs",
            "sum(failed_jobs)",
            # Each class and actor has a row for all that ended: so it is right for one of them, and several together.
            "(sum(ended_jobs) / count(distinct failure_class || coalesce(failure_actor, '')))",
            "Share of the ended jobs that failed so.",
        ),
        INSTANCE_HOURS,
    ),
)

_DATASETS = (
    Dataset(
        "fleet_utilization_hourly",
        time="hour",
        calculated={"weekday": "strftime(hour, '%u %a')", "hour_of_day": "strftime(hour, '%H')"},
        comments={"weekday": "Day of the week, Monday first.", "hour_of_day": "Hour of the day, 00 to 23."},
        metrics=(
            Metric("Peak jobs", "max(peak_jobs)", COUNT, "peak_jobs"),
            Metric("Peak instances", "max(peak_instances)", COUNT, "peak_instances"),
            Metric("Peak GPUs", "max(peak_gpus)", COUNT, "peak_gpus"),
            # Hours are equally long, but for the one a year that clocks show twice.
            Metric("Mean instances", "avg(mean_instances)", AMOUNT, "mean_instances"),
            Metric("Mean GPUs", "avg(mean_gpus)", AMOUNT, "mean_gpus"),
        ),
    ),
    Dataset(
        "utilization_daily",
        time="date",
        metrics=(
            total("Jobs submitted", "submitted_jobs", COUNT),
            total("Jobs started", "started_jobs", COUNT),
            total("Jobs ended", "ended_jobs", COUNT),
            INSTANCE_HOURS,
            GPU_HOURS,
        ),
    ),
    Dataset(
        "instance_type_utilization_daily",
        time="date",
        metrics=(INSTANCE_HOURS, GPU_HOURS),
    ),
    Dataset(
        "secondary_status_time_daily",
        time="date",
        metrics=(
            Metric("Job-hours", "sum(seconds) / 3600", AMOUNT, "Hours in the status, over all jobs."),
            total("Visits", "visits", COUNT),
        ),
    ),
    Dataset(
        "failure_rates_daily",
        time="date",
        metrics=(
            *rate_with_interval(
                "Failure rate", "sum(started_and_failed_jobs)", "sum(started_and_ended_jobs)", "failure_rate"
            ),
            total("Failed jobs", "failed_jobs", COUNT),
        ),
    ),
    ENDED_JOBS_BY_CLASS,
    JOBS,
    Dataset(
        "queue_wait_monthly",
        time="date",
        # Quantiles of several months cannot be had from those of each: these hold for a month.
        metrics=tuple(
            Metric(name, f"case when count(*) = 1 then max({column}) / 60 end", AMOUNT, column)
            for name, column in (
                ("Median", "p50_seconds"),
                ("90 % at most", "p90_seconds"),
                ("90 % at most, with those that gave up", "km_p90_seconds"),
            )
        ),
    ),
    Dataset(
        "stuck_jobs",
        calculated={"age_hours": "age_seconds / 3600", "p99_hours": "p99_seconds / 3600"},
        comments={
            "age_hours": "Hours it has been in its status.",
            "p99_hours": "99th percentile of ended visits to it on this instance type, in hours.",
        },
        metrics=(
            Metric("Stuck jobs", "count(*)", COUNT, "Open jobs that are stuck."),
            Metric("Instances held", "sum(instance_count)", COUNT, "instance_count"),
        ),
    ),
    Dataset(
        "data_quality",
        metrics=(
            total("Flawed jobs", "flawed_jobs", COUNT),
            total("Examined jobs", "examined_jobs", COUNT),
            share("Flawed share", "flawed_jobs", "examined_jobs", "flawed_share"),
        ),
    ),
    Dataset(
        "freshness",
        metrics=(
            Metric("Newest change", "max(newest_last_modified_time)", "", "newest_last_modified_time"),
            Metric("Last seen", "max(newest_observed_at)", "", "newest_observed_at"),
        ),
    ),
    Dataset(
        "list_costs_daily",
        time="date",
        metrics=(
            total("List cost", "list_cost", MONEY),
            total("Billed instance-hours", "billed_instance_hours"),
            Metric(
                "Share with a price",
                "sum(priced_instance_hours) / nullif(sum(billed_instance_hours) filter (where not is_prepaid), 0)",
                SHARE,
                "Share of the billed instance-hours, prepaid ones left out, that have a price: List cost is of these.",
            ),
            Metric(
                "Warm-pool instance-hours",
                "sum(billed_instance_hours) filter (where line = 'warm_pool')",
                about="Hours billed for instances that warm pools keep between jobs.",
            ),
            Metric(
                "Warm-pool list cost",
                "sum(list_cost) filter (where line = 'warm_pool')",
                MONEY,
                "What those of known price cost at list price; null if none has one.",
            ),
        ),
    ),
    Dataset(
        "wasted_instance_hours",
        calculated={"waste_and_cause": "case when waste = cause then waste else waste || ': ' || cause end"},
        comments={"waste_and_cause": "Kind of waste, with its cause if it has one."},
        metrics=(
            total("Wasted instance-hours", "wasted_instance_hours"),
            total("Wasted GPU-hours", "wasted_gpu_hours"),
            total("Jobs", "jobs", COUNT),
        ),
    ),
    Dataset(
        "goodput_monthly",
        time="date",
        metrics=(
            share("Goodput, at least", "productive_instance_hours_low", "instance_hours", "goodput_low"),
            share("Goodput, at most", "productive_instance_hours_high", "instance_hours", "goodput_high"),
        ),
    ),
    Dataset(
        "spot_savings_monthly",
        time="date",
        metrics=(
            Metric(
                "Spot savings",
                "1 - sum(billed_instance_hours) / nullif(sum(trained_instance_hours), 0)",
                SHARE,
                "savings",
            ),
            total("Spot jobs ended", "ended_jobs", COUNT),
            total("Trained instance-hours", "trained_instance_hours"),
            total("Billed instance-hours", "billed_instance_hours"),
            total("Interruptions", "interruptions", COUNT),
            Metric(
                "Interruptions per 1,000 hours",
                "1000 * sum(interruptions) / nullif(sum(instance_hours), 0)",
                AMOUNT,
                "interruptions_per_1000_instance_hours",
            ),
        ),
    ),
    Dataset(
        "capacity_utilization_daily",
        time="date",
        metrics=(
            Metric(
                "Used instance-hours",
                "sum(least(instance_hours, capacity_instance_hours))",
                about="Hours that jobs used, up to the capacity of their day and type.",
            ),
            Metric(
                "Idle instance-hours",
                "sum(greatest(capacity_instance_hours - instance_hours, 0))",
                about="Hours of the capacity that no job used.",
            ),
        ),
    ),
    Dataset(
        "fct_retry_chains",
        time="first_creation_time",
        metrics=(
            Metric("Chains", "count(*)", COUNT, "Chains of retries, jobs that nobody retried included."),
            total("Retries", "retries", COUNT),
            Metric(
                "Completed in the end",
                "count(*) filter (where training_job_status = 'Completed') / count(*)",
                SHARE,
                "Share of the chains whose last job completed.",
            ),
            INSTANCE_HOURS,
            share("Productive, at least", "productive_seconds_low", "elapsed_seconds", "ettr_low"),
            share("Productive, at most", "productive_seconds_high", "elapsed_seconds", "ettr_high"),
        ),
    ),
)

DATASETS = {dataset.name: dataset for dataset in _DATASETS}
