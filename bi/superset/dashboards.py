"""The two dashboards, row by row: each chart by its name and the question of its reader.

Here: what is shown, to whom, and where. Not here: how a kind of chart is told to Superset (``charts``), and metrics
(``datasets``).
"""

from __future__ import annotations

from dataclasses import dataclass

from bi.superset.charts import DAY, MONTH, WEEK, Chart, bars, heatmap, lines, number, stacked, table
from bi.superset.datasets import COUNT, SECONDS, SHARE


@dataclass(frozen=True)
class Section:
    """Rows of charts under a heading, with a sentence on how to read them."""

    heading: str
    note: str
    rows: tuple[tuple[Chart, ...], ...]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard, for one reader; its filters are those of ``FILTERS`` and the time."""

    title: str
    slug: str
    reader: str
    sections: tuple[Section, ...]

    @property
    def charts(self) -> list[Chart]:
        """Its charts, from top to bottom."""
        return [chart for section in self.sections for row in section.rows for chart in row]


# Each filters what charts have its column; its values are those of the dataset.
FILTERS = {"Account": "account_id", "Region": "region", "Instance type": "instance_type"}
FILTER_VALUES = "utilization_daily"

FLEET_HEALTH = Dashboard(
    "Fleet health",
    "fleet-health",
    "For whoever runs the platform: is the fleet used, does it start what it is given, and why does work fail?",
    (
        Section(
            "At a glance",
            "",
            (
                (
                    number("Jobs submitted", "How many jobs were created?", "utilization_daily", "Jobs submitted"),
                    number("Instance-hours", "How much was used?", "utilization_daily", "Instance-hours"),
                    number(
                        "Peak instances, whole fleet",
                        "How many instances ran at once, at most?",
                        "fleet_utilization_hourly",
                        "Peak instances",
                    ),
                    number(
                        "Failure rate",
                        "Which share of the jobs that ran failed?",
                        "failure_rates_daily",
                        "Failure rate",
                    ),
                    number("Median wait", "How long does a job wait to start?", "jobs", "Median wait"),
                    number("Stuck jobs", "How many open jobs are stuck?", "stuck_jobs", "Stuck jobs"),
                ),
            ),
        ),
        Section(
            "Use",
            "Peaks are of the whole fleet: those of its parts do not add up. Of the filters, they follow the time only.",
            (
                (
                    lines(
                        "Instances at once, whole fleet",
                        "How many instances run at once, day by day: at most, and in the mean?",
                        "fleet_utilization_hourly",
                        ("Peak instances", "Mean instances"),
                        "hour",
                        DAY,
                        COUNT,
                    ),
                    lines(
                        "GPUs at once, whole fleet",
                        "How many GPUs run at once, day by day: at most, and in the mean?",
                        "fleet_utilization_hourly",
                        ("Peak GPUs", "Mean GPUs"),
                        "hour",
                        DAY,
                        COUNT,
                    ),
                ),
                (
                    stacked(
                        "Instance-hours by week and type",
                        "Which instance types are used, week by week?",
                        "utilization_daily",
                        ("Instance-hours",),
                        "date",
                        WEEK,
                        "instance_type",
                        "SMART_NUMBER",
                    ),
                    heatmap(
                        "Mean instances by hour of the week, whole fleet",
                        "When in the week is the fleet busy?",
                        "fleet_utilization_hourly",
                        "Mean instances",
                        "hour_of_day",
                        "weekday",
                    ),
                ),
                (
                    table(
                        "Busiest hours, whole fleet",
                        "In which hours did the most run at once?",
                        "fleet_utilization_hourly",
                        ("hour", "peak_jobs", "peak_instances", "peak_gpus", "mean_instances", "mean_gpus"),
                        (),
                        ("peak_instances", False),
                        rows=50,
                    ),
                    stacked(
                        "Time in secondary statuses by week",
                        "What do jobs spend their time on?",
                        "secondary_status_time_daily",
                        ("Job-hours",),
                        "date",
                        WEEK,
                        "secondary_status",
                        "SMART_NUMBER",
                    ),
                ),
            ),
        ),
        Section(
            "Failures",
            "The failure rate is that of jobs that had started and ended, within its 95 % interval: where few jobs ended it says"
            " little. Shares of classes are of all ended jobs.",
            (
                (
                    lines(
                        "Failure rate by month",
                        "Does the fleet fail more or less than before?",
                        "failure_rates_daily",
                        ("Failure rate", "Failure rate, at least", "Failure rate, at most"),
                        "date",
                        MONTH,
                        SHARE,
                    ),
                    stacked(
                        "Share of ended jobs that failed, by class",
                        "Why do jobs fail, month by month?",
                        "ended_jobs_by_failure_class",
                        ("Share of ended jobs",),
                        "date",
                        MONTH,
                        "failure_class",
                        SHARE,
                    ),
                ),
                (
                    table(
                        "Failure classes",
                        "Which causes cost the most jobs and hours, and who can mend them?",
                        "ended_jobs_by_failure_class",
                        ("failure_class", "failure_actor"),
                        (
                            "Failed jobs",
                            "Share of ended jobs",
                            "Share of ended jobs, at least",
                            "Share of ended jobs, at most",
                            "Instance-hours",
                        ),
                        ("Failed jobs", False),
                    ),
                    table(
                        "Top failure fingerprints",
                        "Which failures come again and again, and are they still with us?",
                        "jobs",
                        ("masked_reason", "failure_class"),
                        ("Failed jobs", "Failed instance-hours", "Last seen"),
                        ("Failed jobs", False),
                        where="masked_reason is not null",
                    ),
                ),
            ),
        ),
        Section(
            "Waits and stuck jobs",
            "Quantiles over jobs that started are too low where jobs give up: the third line counts those too (Kaplan-Meier).",
            (
                (
                    lines(
                        "Waits by month, whole fleet",
                        "Do jobs wait longer than before?",
                        "queue_wait_monthly",
                        ("Median wait", "90 % waited at most", "90 % waited at most, those that gave up too"),
                        "date",
                        MONTH,
                        SECONDS,
                    ),
                    table(
                        "Waits by instance type",
                        "Which instance types are hard to get?",
                        "jobs",
                        ("instance_type",),
                        ("Jobs", "Never started", "Median wait", "90 % waited at most", "Waited in vain"),
                        ("90 % waited at most", False),
                    ),
                ),
                (
                    table(
                        "Stuck jobs, the oldest first",
                        "Which open jobs should somebody look at?",
                        "stuck_jobs",
                        (
                            "training_job_name",
                            "account_id",
                            "region",
                            "instance_type",
                            "instance_count",
                            "secondary_status",
                            "since",
                            "age_seconds",
                            "p99_seconds",
                            "is_small_sample",
                        ),
                        (),
                        ("age_seconds", False),
                        formats={name: {"d3NumberFormat": SECONDS} for name in ("age_seconds", "p99_seconds")},
                    ).wide(12, 36),
                ),
            ),
        ),
        Section(
            "Can it be believed?",
            "Flaws of records bend the figures above; accounts that were not seen for long are missing from their last days.",
            (
                (
                    table(
                        "Data quality",
                        "How many jobs have records with gaps?",
                        "data_quality",
                        ("flaw",),
                        ("Flawed jobs", "Examined jobs", "Flawed share"),
                        ("Flawed share", False),
                    ),
                    table(
                        "Freshness",
                        "When were the jobs of each account and region last seen?",
                        "freshness",
                        ("account_id", "region"),
                        ("Last seen", "Newest change"),
                        ("Last seen", True),
                    ),
                ),
            ),
        ),
    ),
)

COST_AND_WASTE = Dashboard(
    "Cost and waste",
    "cost-and-waste",
    "For FinOps: who uses what, what does it cost at list price, and which hours brought nothing?",
    (
        Section(
            "At a glance",
            "",
            (
                (
                    number(
                        "Instance-hours used", "How much was used?", "instance_type_utilization_daily", "Instance-hours"
                    ),
                    number(
                        "GPU-hours used", "How much of it was GPUs?", "instance_type_utilization_daily", "GPU-hours"
                    ),
                    number("List cost", "What did it cost at list price?", "list_costs_daily", "List cost"),
                    number(
                        "Hours with a price",
                        "Of which share of the billed hours is the price known?",
                        "list_costs_daily",
                        "Share with a price",
                    ),
                    number(
                        "Wasted instance-hours",
                        "How many hours brought nothing?",
                        "wasted_instance_hours",
                        "Wasted instance-hours",
                    ),
                    number("Spot savings", "What does spot capacity save?", "spot_savings_monthly", "Spot savings"),
                ),
            ),
        ),
        Section(
            "Cost",
            "At list price, of the hours that have a price in `prices.csv`; where none has, there is no cost, not a cost of 0."
            " Hours of training plans are paid in advance and have none.",
            (
                (
                    stacked(
                        "List cost by month",
                        "What does training cost, and what the warm pools kept after it?",
                        "list_costs_daily",
                        ("List cost",),
                        "date",
                        MONTH,
                        "line",
                        "SMART_NUMBER",
                    ),
                    table(
                        "Billed hours and list cost by month",
                        "How much was billed, and of which share is the cost known?",
                        "list_costs_daily",
                        ("date",),
                        ("Billed instance-hours", "Share with a price", "List cost"),
                        ("date", False),
                        grain=MONTH,
                    ),
                ),
                (
                    bars(
                        "List cost by instance type",
                        "Which instance types cost the most?",
                        "list_costs_daily",
                        "List cost",
                        "instance_type",
                        "SMART_NUMBER",
                    ),
                    stacked(
                        "Warm-pool hours by month and type",
                        "Which warm pools are kept, and billed, between jobs?",
                        "list_costs_daily",
                        ("Warm-pool instance-hours",),
                        "date",
                        MONTH,
                        "instance_type",
                        "SMART_NUMBER",
                        where="line = 'warm_pool'",
                    ),
                ),
            ),
        ),
        Section(
            "Who uses what",
            "A job's team is its tag `team`; its hours count where it was created.",
            (
                (
                    stacked(
                        "Instance-hours by month and team",
                        "Which teams use more than before?",
                        "jobs",
                        ("Instance-hours",),
                        "creation_time",
                        MONTH,
                        "team",
                        "SMART_NUMBER",
                    ),
                    table(
                        "Teams",
                        "What does each team use, and how much of it fails?",
                        "jobs",
                        ("team",),
                        ("Jobs", "Instance-hours", "GPU-hours", "Failed instance-hours"),
                        ("Instance-hours", False),
                    ),
                ),
                (
                    stacked(
                        "GPU-hours by month and type",
                        "Which GPUs are used more than before?",
                        "instance_type_utilization_daily",
                        ("GPU-hours",),
                        "date",
                        MONTH,
                        "instance_type",
                        "SMART_NUMBER",
                    ),
                    table(
                        "Instance types",
                        "What is used of each instance type?",
                        "instance_type_utilization_daily",
                        ("instance_type",),
                        ("Instance-hours", "GPU-hours"),
                        ("Instance-hours", False),
                    ),
                ),
            ),
        ),
        Section(
            "Waste",
            "No hour is of two kinds. A job that a user stopped may have been worth it. Goodput is at least and at most, for"
            " records do not tell what was saved before an interruption.",
            (
                (
                    bars(
                        "Wasted instance-hours by cause",
                        "Where do the hours go that bring nothing?",
                        "wasted_instance_hours",
                        "Wasted instance-hours",
                        "cause",
                        "SMART_NUMBER",
                        by="waste",
                    ).wide(6, 60),
                    table(
                        "Retried work",
                        "Which programs are retried, do they get there in the end, and how much of their time was productive?",
                        "fct_retry_chains",
                        ("program",),
                        (
                            "Retried chains",
                            "Retries",
                            "Completed in the end",
                            "Instance-hours",
                            "Productive, at least",
                            "Productive, at most",
                        ),
                        ("Retries", False),
                        where="retries > 0",
                    ).wide(6, 60),
                ),
                (
                    lines(
                        "Goodput by month",
                        "Which share of the hours was productive?",
                        "goodput_monthly",
                        ("Goodput, at most", "Goodput, at least"),
                        "date",
                        MONTH,
                        SHARE,
                    ),
                    stacked(
                        "Capacity used and idle by month",
                        "How much of the capacity that we have stands idle?",
                        "capacity_utilization_daily",
                        ("Used instance-hours", "Idle instance-hours"),
                        "date",
                        MONTH,
                        None,
                        "SMART_NUMBER",
                    ),
                ),
            ),
        ),
        Section(
            "Spot",
            "Savings are of billed against trained hours, and negative where more was billed than trained.",
            (
                (
                    lines(
                        "Spot savings by month",
                        "What does spot capacity save, month by month?",
                        "spot_savings_monthly",
                        ("Spot savings",),
                        "date",
                        MONTH,
                        SHARE,
                    ),
                    table(
                        "Spot by instance type",
                        "Where does spot capacity pay, and where does it interrupt?",
                        "spot_savings_monthly",
                        ("instance_type",),
                        ("Spot jobs ended", "Trained instance-hours", "Spot savings", "Interruptions per 1,000 hours"),
                        ("Trained instance-hours", False),
                    ),
                ),
            ),
        ),
    ),
)

DASHBOARDS = (FLEET_HEALTH, COST_AND_WASTE)
