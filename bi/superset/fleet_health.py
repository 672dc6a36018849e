"""The dashboard of whoever runs the platform. Not here: how its kinds of charts are drawn (``charts``)."""

from bi.superset.charts import DAY, MONTH, WEEK, heatmap, lines, number, rows, stacked_by, table
from bi.superset.datasets import AMOUNT
from bi.superset.layout import Dashboard, Section

GLANCE = [
    [
        number("Jobs submitted", "How many jobs were created?", "utilization_daily", "Jobs submitted"),
        number("Instance-hours", "How much was used?", "utilization_daily", "Instance-hours"),
        number(
            "Peak instances",
            "How many instances of the whole fleet ran at once, at most?",
            "fleet_utilization_hourly",
            "Peak instances",
        ),
        number("Failure rate", "Which share of the jobs that ran failed?", "failure_rates_daily", "Failure rate"),
        number("Median wait, minutes", "How long does a job wait to start?", "jobs", "Median wait, minutes"),
        number("Stuck jobs", "How many open jobs are stuck?", "stuck_jobs", "Stuck jobs"),
    ]
]

USE = [
    [
        lines(
            "Instances at once, whole fleet",
            "How many instances run at once, day by day: at most, and in the mean?",
            "fleet_utilization_hourly",
            DAY,
            ["Peak instances", "Mean instances"],
        ),
        lines(
            "GPUs at once, whole fleet",
            "How many GPUs run at once, day by day: at most, and in the mean?",
            "fleet_utilization_hourly",
            DAY,
            ["Peak GPUs", "Mean GPUs"],
        ),
    ],
    [
        stacked_by(
            "instance_type",
            "Instance-hours by week and type",
            "Which instance types are used, week by week?",
            "utilization_daily",
            WEEK,
            "Instance-hours",
        ),
        heatmap(
            "Mean instances by hour of the week, whole fleet",
            "When in the week is the fleet busy?",
            "fleet_utilization_hourly",
            "hour_of_day",
            "weekday",
            "Mean instances",
        ),
    ],
    [
        rows(
            "The 50 busiest hours, whole fleet",
            "In which hours did the most run at once?",
            "fleet_utilization_hourly",
            ["hour", "peak_jobs", "peak_instances", "peak_gpus", "mean_instances", "mean_gpus"],
            order_by=("peak_instances", False),
            most=50,
            formats={"mean_instances": AMOUNT, "mean_gpus": AMOUNT},
        ),
        stacked_by(
            "secondary_status",
            "Time in secondary statuses by week",
            "What do jobs spend their time on?",
            "secondary_status_time_daily",
            WEEK,
            "Job-hours",
        ),
    ],
]

FAILURES = [
    [
        lines(
            "Failure rate by month",
            "Does the fleet fail more or less than before?",
            "failure_rates_daily",
            MONTH,
            ["Failure rate", "Failure rate, at least", "Failure rate, at most"],
        ),
        stacked_by(
            "failure_class",
            "Share of ended jobs that failed, by class",
            "Why do jobs fail, month by month?",
            "ended_jobs_by_failure_class",
            MONTH,
            "Share of ended jobs",
        ),
    ],
    [
        table(
            "Failure classes",
            "Which causes cost the most jobs and hours, and who can mend them?",
            "ended_jobs_by_failure_class",
            ["failure_class", "failure_actor"],
            [
                "Failed jobs",
                "Share of ended jobs",
                "Share of ended jobs, at least",
                "Share of ended jobs, at most",
                "Instance-hours",
            ],
            order_by=("Failed jobs", False),
        ),
        table(
            "Top failure fingerprints",
            "Which failures come again and again, and are they still with us?",
            "jobs",
            ["masked_reason", "failure_class"],
            ["Failed jobs", "Failed instance-hours", "Last seen"],
            order_by=("Failed jobs", False),
            where="masked_reason is not null",
        ),
    ],
]

WAITS = [
    [
        lines(
            "Waits by month, whole fleet, minutes",
            "Do jobs wait longer than before?",
            "queue_wait_monthly",
            MONTH,
            ["Median", "90 % at most", "90 % at most, with those that gave up"],
        ),
        table(
            "Waits by instance type",
            "Which instance types are hard to get?",
            "jobs",
            ["instance_type"],
            ["Jobs", "Never started", "Median wait, minutes", "90 % waited at most, minutes", "Waited in vain, hours"],
            order_by=("90 % waited at most, minutes", False),
        ),
    ],
    [
        rows(
            "Stuck jobs, the oldest first",
            "Which open jobs should somebody look at?",
            "stuck_jobs",
            [
                "training_job_name",
                "account_id",
                "region",
                "instance_type",
                "instance_count",
                "secondary_status",
                "since",
                "age_hours",
                "p99_hours",
                "is_small_sample",
            ],
            order_by=("age_hours", False),
            formats={"age_hours": AMOUNT, "p99_hours": AMOUNT},
        ).sized(12, 36)
    ],
]

RECORDS = [
    [
        table(
            "Data quality",
            "How many jobs have records with gaps?",
            "data_quality",
            ["flaw"],
            ["Flawed jobs", "Examined jobs", "Flawed share"],
            order_by=("Flawed share", False),
        ),
        table(
            "Freshness",
            "When were the jobs of each account and region last seen?",
            "freshness",
            ["account_id", "region"],
            ["Last seen", "Newest change"],
            order_by=("Last seen", True),
        ),
    ]
]

FLEET_HEALTH = Dashboard(
    "Fleet health",
    "fleet-health",
    "For whoever runs the platform: is the fleet used, does it start what it is given, and why does work fail?",
    [
        Section("At a glance", "", GLANCE),
        Section(
            "Use",
            "What is of the whole fleet follows the filter of time only, for peaks of its parts do not add up.",
            USE,
        ),
        Section(
            "Failures",
            "The failure rate is that of jobs that had started and ended, within its 95 % interval: of few jobs it says"
            " little. Shares of classes are of all ended jobs.",
            FAILURES,
        ),
        Section(
            "Waits and stuck jobs",
            "Quantiles over jobs that started are too low where jobs give up: one line counts those too (Kaplan-Meier)."
            " A job is stuck that has been in its status for longer than 99 % of the visits to it took.",
            WAITS,
        ),
        Section(
            "Can it be believed?",
            "Flaws of records bend the figures above, and accounts that were not seen for long lack their last days.",
            RECORDS,
        ),
    ],
)
