"""Plots of the main marts, in the metadata of their assets: the last year at a glance. Not here: the dashboard."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import dagster as dg

from pipelines.terminal import printable

DAYS = 366
WIDTH, HEIGHT = 560, 150  # pixels: each run keeps them in Dagster's storage
_LONGEST = 40  # characters of what a colour stands for


@dataclass(frozen=True)
class Plot:
    """What is drawn of a mart: ``rows``, a SELECT of ``instant``, ``value``, and ``of`` (what it is of).

    ``mark`` and ``format`` are Vega-Lite's.
    """

    title: str
    rows: str
    mark: str = "area"
    format: str = "~s"


PLOTS = {
    "marts.utilization_daily": Plot(
        "Instance-hours by day",
        "select cast(date as timestamp) as instant, sum(instance_hours) as value, instance_type as of"
        " from marts.utilization_daily group by date, instance_type",
    ),
    "marts.secondary_status_time_daily": Plot(
        "Hours of jobs by day and secondary status",
        "select cast(date as timestamp) as instant, sum(seconds) / 3600 as value, secondary_status as of"
        " from marts.secondary_status_time_daily group by date, secondary_status",
    ),
    "marts.fleet_utilization_hourly": Plot(
        "Peak of instances at once by day",
        "select date_trunc('day', hour) as instant, cast(max(peak_instances) as double) as value, 'instances' as of"
        " from marts.fleet_utilization_hourly group by date_trunc('day', hour)",
    ),
    "marts.failure_rates_monthly": Plot(
        "Failed jobs of those that started and ended, by month",
        "select cast(date as timestamp) as instant,"
        " sum(started_and_failed_jobs) / nullif(sum(started_and_ended_jobs), 0) as value, 'all jobs' as of"
        " from marts.failure_rates_monthly group by date",
        "bar",
        "~%",
    ),
    "marts.queue_wait_monthly": Plot(
        "Median wait to start, seconds, by month",
        "select cast(date as timestamp) as instant, p50_seconds as value, 'all jobs' as of"
        " from marts.queue_wait_monthly",
        "bar",
    ),
}


def last_days(plot: Plot) -> str:
    """The SELECT of the rows that are drawn: none that are not known, none from long before the last."""
    return (
        f"select epoch_ms(instant) as instant, value, of from ({plot.rows})"
        f" where value is not null qualify instant > max(instant) over () - interval {DAYS} day order by instant, of"
    )


def drawn(plot: Plot, rows: Sequence[Sequence[Any]]) -> dg.MarkdownMetadataValue:
    """The picture of ``last_days``, or the words that there is nothing to see."""
    if not rows:
        return dg.MetadataValue.md(f"{plot.title}: nothing to draw yet")
    import vl_convert  # slow to import

    # A character that XML cannot have ends the process that draws it.
    values = [
        {"instant": instant, "value": value, "of": shorten(printable(of), _LONGEST, placeholder="…")}
        for instant, value, of in rows
    ]
    specification = {
        "title": plot.title,
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values},
        "mark": {"type": plot.mark, "interpolate": "step-after"} if plot.mark == "area" else {"type": plot.mark},
        "encoding": {
            "x": {"field": "instant", "type": "temporal", "scale": {"type": "utc"}, "title": None},
            "y": {"field": "value", "type": "quantitative", "title": None, "axis": {"format": plot.format}},
            "color": {"field": "of", "type": "nominal", "title": None},
        },
    }
    picture = base64.b64encode(vl_convert.vegalite_to_png(specification)).decode()
    return dg.MetadataValue.md(f"![{plot.title}](data:image/png;base64,{picture})")
