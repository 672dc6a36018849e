"""Asking CloudWatch for the points of a batch, until it has given all.

Here: ``GetMetricData``, its pages, and results that it gives in part. Not here: what is asked together (``batches``),
and calls that fail (``harvest.calls``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from pipelines.cloudwatch.batches import NAMESPACE, Need, Series
from pipelines.cloudwatch.due import Job
from pipelines.cloudwatch.windows import Window
from pipelines.errors import TrainyardError
from pipelines.harvest.calls import Calls, TokenRefusedError, decoded, no_page
from pipelines.harvest.sources import Source

MOST_ATTEMPTS = 4  # for results that are given in part, or whose tokens expire

# The points of a statistic: the beginning of the period, in epoch seconds -> its value.
Points = dict[float, float]


class _Result(msgspec.Struct):
    Id: str
    Timestamps: list[float] = []
    Values: list[float] = []
    StatusCode: str = "Complete"

    def __post_init__(self) -> None:
        if len(self.Timestamps) != len(self.Values):
            raise ValueError(f"{len(self.Timestamps)} timestamps of {len(self.Values)} values")


class _Body(msgspec.Struct):
    MetricDataResults: list[_Result]


_BODY = msgspec.json.Decoder(_Body)


def measured(calls: Calls, batch: Sequence[Series]) -> tuple[list[list[Points]], float]:
    """The points of each series' statistics, in its window, and when they were told (epoch seconds, their clock).

    Raises botocore's errors, and TrainyardError where CloudWatch gives only a part, however often it is asked.
    """
    points: list[list[Points]] = [[{} for _ in series.statistics] for series in batch]
    lacking = {f"q{one}x{other}": (one, other) for one, of_one in enumerate(points) for other in range(len(of_one))}
    answered_at = 0.0
    for _ in range(MOST_ATTEMPTS):
        whole: set[str] = set()
        try:
            for page in calls.pages("GetMetricData", **_request(batch, lacking)):
                answered_at = answered_at or page.answered_at
                for result in decoded(_BODY, page.body, "GetMetricData").MetricDataResults:
                    if result.Id not in lacking:
                        raise no_page("GetMetricData", f"a result {result.Id!r}, which was not asked for")
                    one, other = lacking[result.Id]
                    window = batch[one].need.window
                    # The call's window is that of all its series, of which more may be held already.
                    points[one][other].update(
                        (start, value)
                        for start, value in zip(result.Timestamps, result.Values, strict=True)
                        if window.start <= start < window.end
                    )
                    # A page may go on with what the one before called complete.
                    (whole.add if result.StatusCode == "Complete" else whole.discard)(result.Id)
        except TokenRefusedError:
            whole.clear()
        lacking = {name: place for name, place in lacking.items() if name not in whole}
        if not lacking:
            return points, answered_at
    raise TrainyardError("CloudWatch gives points only in part, asked time and again: run again later")


def connect(source: Source) -> Calls:
    """Calls to CloudWatch in a source's region."""
    return Calls.by(partial(source.new_client, "cloudwatch"))


def ask_for_nothing(source: Source) -> None:
    """Ask for a minute of a metric that no job has: raises what stands in the way of asking, botocore's errors."""
    job = Job("", "", "", "", "none", 1, False, (), 0, 60, None)
    measured(connect(source), [Series(Need(job, Window(0, 60, 60)), "algo-1", "CPUUtilization")])


def _request(batch: Sequence[Series], wanted: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    windows = [batch[one].need.window for one, _ in wanted.values()]
    return {
        "StartTime": min(window.start for window in windows),
        "EndTime": max(window.end for window in windows),
        "ScanBy": "TimestampAscending",
        "MetricDataQueries": [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": NAMESPACE,
                        "MetricName": batch[one].metric_name,
                        "Dimensions": [batch[one].dimension],
                    },
                    "Period": batch[one].need.window.period_seconds,
                    "Stat": batch[one].statistics[other],
                },
            }
            for name, (one, other) in wanted.items()
        ],
    }
