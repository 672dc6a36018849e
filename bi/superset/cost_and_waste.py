"""The dashboard of FinOps. Not here: how its kinds of charts are drawn (``charts``)."""

from bi.superset.charts import MONTH, bars, lines, number, stacked, stacked_by, table
from bi.superset.layout import Dashboard, Section

GLANCE = [
    [
        number("Instance-hours used", "How much was used?", "instance_type_utilization_daily", "Instance-hours"),
        number("GPU-hours used", "How much of it was GPUs?", "instance_type_utilization_daily", "GPU-hours"),
        number("List cost", "What did it cost at list price?", "list_costs_daily", "List cost"),
        number(
            "Hours with a price",
            "Of which share of the billed hours is the price known?",
            "list_costs_daily",
            "Share with a price",
        ),
        number("Wasted hours", "How many hours brought nothing?", "wasted_instance_hours", "Wasted instance-hours"),
        number("Spot savings", "What does spot capacity save?", "spot_savings_monthly", "Spot savings"),
    ]
]

COST = [
    [
        stacked_by(
            "line",
            "List cost by month",
            "What does training cost, and what do the warm pools kept after it?",
            "list_costs_daily",
            MONTH,
            "List cost",
        ),
        table(
            "Billed hours and list cost by month",
            "How much was billed, and of which share is the cost known?",
            "list_costs_daily",
            ["date"],
            ["Billed instance-hours", "Share with a price", "List cost"],
            order_by=("date", False),
            grain=MONTH,
        ),
    ],
    [
        table(
            "Billed hours and list cost by instance type",
            "Which instance types cost the most?",
            "list_costs_daily",
            ["instance_type"],
            ["Billed instance-hours", "Share with a price", "List cost"],
            order_by=("List cost", False),
        ),
        stacked_by(
            "instance_type",
            "Warm-pool hours by month and type",
            "Which warm pools are kept, and billed, between jobs?",
            "list_costs_daily",
            MONTH,
            "Warm-pool instance-hours",
            where="line = 'warm_pool'",
        ),
    ],
]

USE = [
    [
        stacked_by(
            "team",
            "Instance-hours by month and team",
            "Which teams use more than before?",
            "jobs",
            MONTH,
            "Instance-hours",
        ),
        table(
            "Teams",
            "What does each team use, and how much of it fails?",
            "jobs",
            ["team"],
            ["Jobs", "Instance-hours", "GPU-hours", "Failed instance-hours"],
            order_by=("Instance-hours", False),
        ),
    ],
    [
        stacked_by(
            "instance_type",
            "GPU-hours by month and type",
            "Which GPUs are used more than before?",
            "instance_type_utilization_daily",
            MONTH,
            "GPU-hours",
        ),
        table(
            "Instance types",
            "What is used of each instance type?",
            "instance_type_utilization_daily",
            ["instance_type"],
            ["Instance-hours", "GPU-hours"],
            order_by=("Instance-hours", False),
        ),
    ],
]

WASTE = [
    [
        bars(
            "Wasted instance-hours by cause",
            "Where do the hours go that bring nothing?",
            "wasted_instance_hours",
            "waste_and_cause",
            "Wasted instance-hours",
        ).sized(6, 60),
        lines(
            "Goodput by month",
            "Which share of the hours was productive?",
            "goodput_monthly",
            MONTH,
            ["Goodput, at most", "Goodput, at least"],
        ).sized(6, 60),
    ],
    [
        table(
            "Retried work",
            "Which programs are retried, do they get there in the end, and how much of their time was productive?",
            "fct_retry_chains",
            ["program"],
            [
                "Chains",
                "Retries",
                "Completed in the end",
                "Instance-hours",
                "Productive, at least",
                "Productive, at most",
            ],
            order_by=("Retries", False),
            where="retries > 0",
        ).sized(7, 42),
        stacked(
            "Capacity used and idle by month, instance-hours",
            "How much of the capacity that we have stands idle?",
            "capacity_utilization_daily",
            MONTH,
            ["Used instance-hours", "Idle instance-hours"],
        ).sized(5, 42),
    ],
]

SPOT = [
    [
        lines(
            "Spot savings by month",
            "What does spot capacity save, month by month?",
            "spot_savings_monthly",
            MONTH,
            ["Spot savings"],
        ),
        table(
            "Spot by instance type",
            "Where does spot capacity pay, and where does it interrupt?",
            "spot_savings_monthly",
            ["instance_type"],
            ["Spot jobs ended", "Trained instance-hours", "Spot savings", "Interruptions per 1,000 hours"],
            order_by=("Trained instance-hours", False),
        ),
    ]
]

COST_AND_WASTE = Dashboard(
    "Cost and waste",
    "cost-and-waste",
    "For FinOps: who uses what, what does it cost at list price, and which hours brought nothing?",
    [
        Section("At a glance", "", GLANCE),
        Section(
            "Cost",
            "At list price, of the hours that have one in `prices.csv`: where none has, there is no cost, not a cost of"
            " 0. Hours of training plans are paid in advance and have none.",
            COST,
        ),
        Section("Who uses what", "A job's team is its tag `team`; its hours count where it was created.", USE),
        Section(
            "Waste",
            "No hour is of two kinds of waste. A job that a user stopped may have been worth it. What is productive is"
            " told at least and at most, for records do not tell what was saved before an interruption.",
            WASTE,
        ),
        Section(
            "Spot",
            "Savings are of billed against trained hours, and negative where more was billed than trained.",
            SPOT,
        ),
    ],
)
