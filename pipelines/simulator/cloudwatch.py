"""CloudWatch, the part that tells of training jobs: ``GetMetricData``, as AWS JSON 1.0.

Here: what is answered, with the limits of a call, pages, and what is kept for how long. Not here: what was measured
(``measurements``), HTTP (``server``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from pipelines.simulator import measurements
from pipelines.simulator.errors import ServiceError
from pipelines.simulator.fleet import Document, Fleet, place
from pipelines.simulator.measurements import MINUTE, Course, Load

CONTENT_TYPE = "application/x-amz-json-1.0"
NAMESPACE = "/aws/sagemaker/TrainingJobs"
MOST_QUERIES = 500
MOST_POINTS = 100_800
# So many periods of all queries together may be asked for in a second, whether or not anything was measured in them.
MOST_PERIODS = 396_000
DAY = 24 * 3600
# Period, and for how many days its points are kept.
KEPT_DAYS = ((60, 15), (300, 63), (3600, 455))

Parameters = dict[str, Any]
Place = tuple[str, str]
# Beginnings of periods, and of each the statistic.
Series = tuple[list[int], list[float]]


class CloudWatch:
    """What is measured of the jobs of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._jobs: dict[tuple[Place | None, str], Document] = {}
        for document in fleet.documents:
            name = document.get("TrainingJobName", "")
            self._jobs[place(document), name] = self._jobs[None, name] = document

    def respond(
        self, operation: str, body: bytes, where: Place | None, now: float, *, gives_part: bool = False
    ) -> bytes:
        """The answer to a call at an instant; raises ``ServiceError``.

        ``where``: the account and region that the caller sees, None for all. ``gives_part``: of half of the queries
        it has only a part of the points, without a token for the rest.
        """
        if operation != "GetMetricData":
            raise ServiceError("InvalidAction", f"The simulator has no operation {operation}.")
        try:
            parameters = msgspec.json.decode(body, type=Parameters)
            queries, start, end = (parameters[name] for name in ("MetricDataQueries", "StartTime", "EndTime"))
            periods = sum((end - start) // query["MetricStat"]["Period"] for query in queries)
        except (msgspec.DecodeError, LookupError, TypeError, ZeroDivisionError) as error:
            raise ServiceError("ValidationError", f"The request is not as it should be: {error}") from error
        if len(queries) > MOST_QUERIES or len({query["Id"] for query in queries}) < len(queries) or start >= end:
            raise ServiceError(
                "ValidationError", f"At most {MOST_QUERIES} queries with ids of their own, and a window."
            )
        if periods > MOST_PERIODS:
            raise ServiceError("Throttling", "Rate exceeded")
        found = [self._series(query["MetricStat"], start, end, where, now) for query in queries]
        first = _position(parameters.get("NextToken"))
        last = first + min(parameters.get("MaxDatapoints") or MOST_POINTS, MOST_POINTS)
        results = list(_page([query["Id"] for query in queries], found, first, last))
        if gives_part:
            for result in results[::2]:
                half = len(result["Values"]) // 2
                result |= {
                    "StatusCode": "InternalError",
                    "Timestamps": result["Timestamps"][:half],
                    "Values": result["Values"][:half],
                }
        is_last = sum(len(values) for _, values in found) <= last
        token = {} if is_last else {"NextToken": base64.b64encode(b"%d" % last).decode()}
        return msgspec.json.encode({"MetricDataResults": results, "Messages": [], **token})

    def _series(self, metric: Parameters, start: float, end: float, where: Place | None, now: float) -> Series:
        period, named = metric["Period"], metric["Metric"]
        (dimension,) = named["Dimensions"]
        job, _, host = dimension["Value"].partition("/")
        document = self._jobs.get((where, job))
        if document is None or named["Namespace"] != NAMESPACE or not _is_kept(period, start, now):
            return [], []
        if dimension["Name"] == "Host":
            load: Load | Course | None = measurements.of_host(document, host, named["MetricName"], now)
        else:
            load = measurements.of_algorithm(document, named["MetricName"], now)
        if load is None:
            return [], []
        starts, means, maxima = _points(load, int(start // period) * period, -int(-end // period) * period, period)
        return starts, means if metric["Stat"] == "Average" else maxima


@lru_cache(1024)  # for the other statistic, and the next page
def _points(load: Load | Course, begin: int, end: int, period: int) -> tuple[list[int], list[float], list[float]]:
    """The beginnings of periods in which something was measured, and the statistics of each."""
    begin, end = max(begin, load.first * MINUTE // period * period), min(end, load.end * MINUTE)
    measured = [
        (start, load.during(start // MINUTE, (start + period) // MINUTE)) for start in range(begin, end, period)
    ]
    told = [(start, *statistics) for start, statistics in measured if statistics]
    return [each[0] for each in told], [each[1] for each in told], [each[2] for each in told]


def _is_kept(period: int, start: float, now: float) -> bool:
    """Whether points of a period are still kept of a window that begins then."""
    return any(period % finest == 0 and start >= now - days * DAY for finest, days in KEPT_DAYS)


def _page(ids: list[str], found: list[Series], first: int, last: int) -> Iterator[Parameters]:
    """The results on a page, which has the points from the ``first`` until before the ``last`` of all queries'."""
    before = 0
    for each, (starts, values) in zip(ids, found, strict=True):
        begin, end = max(first - before, 0), max(last - before, 0)
        before += len(values)
        if values[begin:end] or not (values or first):
            yield {
                "Id": each,
                "StatusCode": "Complete" if before <= last or not values else "PartialData",
                "Timestamps": starts[begin:end],
                "Values": values[begin:end],
            }


def _position(token: str | None) -> int:
    """The number of points on the pages before the one that a token stands for."""
    try:
        return int(base64.b64decode(token)) if token else 0
    except ValueError:
        raise ServiceError("InvalidNextToken", "The NextToken is not one of GetMetricData.") from None
