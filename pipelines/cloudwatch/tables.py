"""The tables of measurements: their names, columns, and a sentence for each. Not here: where their rows come from."""

from __future__ import annotations

from pipelines.flatten.layout import KEY_COLUMNS
from pipelines.tables import Column, Table

_KEYS = tuple(Column(column.name, column.type, column.comment) for column in KEY_COLUMNS)
_PERIOD = (
    Column("period_start", "TIMESTAMP", "Instant (UTC) at which the period begins."),
    Column(
        "period_seconds",
        "BIGINT",
        "Length of the period: 60, or, of what CloudWatch had already summed up when it was asked, 300 or 3600.",
    ),
)

HARDWARE_METRICS = Table(
    "lake",
    "hardware_metrics",
    "One row per training job, host, metric and period: what CloudWatch measured of an instance, in percent.",
    (
        *_KEYS,
        Column("host", "VARCHAR", "Instance of the job: `algo-1`, `algo-2` and so on."),
        Column("metric_name", "VARCHAR", "Name of the metric, as `GPUUtilization`."),
        *_PERIOD,
        Column(
            "value",
            "DOUBLE",
            "Mean over the period: percent of the instance's memory or disk, or percent of one GPU or vCPU, so that an"
            " instance with eight goes up to 800.",
        ),
        Column(
            "maximum",
            "DOUBLE",
            "Greatest measurement of the period; null where it is 60 seconds, in which there is one measurement.",
        ),
    ),
)

ALGORITHM_METRICS = Table(
    "lake",
    "algorithm_metrics",
    "One row per training job, metric of its algorithm and period: what the algorithm reported while it trained.",
    (
        *_KEYS,
        Column("metric_name", "VARCHAR", "Name of the metric, by the job's metric definitions."),
        *_PERIOD,
        Column(
            "value",
            "DOUBLE",
            "Mean over the period. Extremes are not asked for: of a loss the least would count, of an accuracy the"
            " greatest, and the name does not tell.",
        ),
    ),
)

METRIC_WINDOWS = Table(
    "lake",
    "metric_windows",
    "One row per training job and window of time of which CloudWatch was asked for all its metrics: what is not in the"
    " other tables then was not measured.",
    (
        *_KEYS,
        Column("window_start", "TIMESTAMP", "Instant (UTC) at which the window begins."),
        Column("window_end", "TIMESTAMP", "Instant (UTC) before which it ends."),
        Column("period_seconds", "BIGINT", "Length of the periods that were asked for."),
        Column("hosts", "BIGINT", "Instances of the job that were asked about."),
        Column("asked_at", "TIMESTAMP", "Instant (UTC, the service's clock) at which CloudWatch answered."),
    ),
)

METRIC_TABLES = (HARDWARE_METRICS, ALGORITHM_METRICS, METRIC_WINDOWS)
