"""Plots of the main marts, in the metadata of their assets: the last year at a glance. Not here: the dashboard."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import dagster as dg

from pipelines.assets.png import packed
from pipelines.terminal import printable

DAYS = 366
COLOURS = 10  # that can be told apart
WIDTH, HEIGHT = 560, 150  # pixels: each run keeps them in Dagster's storage
_LONGEST = 40  # characters of what a colour stands for


@dataclass(frozen=True)
class Plot:
    """What is drawn of a mart: ``rows``, a SELECT of ``instant``, ``value``, and ``of`` (what it is of).

    ``period`` (that a bar is of) and ``format`` are Vega-Lite's.
    """

    title: str
    rows: str
    period: str = "utcyearmonthdate"
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
        "utcyearmonth",
        "~%",
    ),
    "marts.queue_wait_monthly": Plot(
        "Median wait to start, seconds, by month",
        "select cast(date as timestamp) as instant, p50_seconds as value, 'all jobs' as of"
        " from marts.queue_wait_monthly",
        "utcyearmonth",
    ),
}


def last_days(plot: Plot) -> str:
    """The SELECT of the rows that are drawn: none that are not known, none from long before the last.

    Of many things the lesser are one, `other`.
    """
    return (
        f"with late as (from ({plot.rows}) where value is not null"
        f" qualify instant > max(instant) over () - interval {DAYS} day),"
        f" most as (select of from late group by of order by sum(value) desc, of limit {COLOURS - 1})"
        " select epoch_ms(instant) as instant, sum(value) as value,"
        " case when of in (from most) then of else 'other' end as of from late group by all order by all"
    )


def drawn(plot: Plot, rows: Sequence[Sequence[Any]]) -> dg.MarkdownMetadataValue:
    """The picture of ``last_days``, or the words that there is nothing to see."""
    if not rows:
        return dg.MetadataValue.md(f"{plot.title}: nothing to draw yet")
    import vl_convert  # slow to import

    picture = base64.b64encode(packed(vl_convert.vegalite_to_png(specification(plot, rows)))).decode()
    return dg.MetadataValue.md(f"![{plot.title}](data:image/png;base64,{picture})")


def specification(plot: Plot, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The plot as Vega-Lite has it: a bar for each row, and none where there are no rows."""
    # A character that XML cannot have ends the process that draws it.
    values = [
        {"instant": instant, "value": value, "of": shorten(printable(of), _LONGEST, placeholder="…")}
        for instant, value, of in rows
    ]
    return {
        "title": plot.title,
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values},
        "mark": {"type": "bar", "binSpacing": 0.25},  # pixels: a day has one and a half
        "encoding": {
            "x": {"field": "instant", "type": "temporal", "timeUnit": plot.period, "title": None},
            "y": {"field": "value", "type": "quantitative", "title": None, "axis": {"format": plot.format}},
            "color": {"field": "of", "type": "nominal", "title": None},
        },
    }
