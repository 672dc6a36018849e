"""How many calls CloudWatch takes for a year of jobs, beside the number that its limits allow.

    python -m benchmarks.metric_calls

A first look at all that a simulated CloudWatch keeps of a made fleet, and looks of every 15 minutes thereafter. What
the limits allow: 500 queries and 100,800 points a call, and 396,000 periods, which count whether or not anything was
measured in them: all queries of a call share one window, so that of a fleet with few jobs a day none can be full of
queries. The result is printed, and kept in ``results/metric_calls.json``. Not here: how long it takes, for the service
decides that.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.cloudwatch import collect
from pipelines.cloudwatch.batches import PERIODS_A_SECOND, POINTS_A_PAGE, QUERIES_A_CALL, Series
from pipelines.cloudwatch.metric_data import measured
from pipelines.cloudwatch.windows import KEPT_SECONDS, Window
from pipelines.config import Settings, SourceSettings
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.fleet import place
from pipelines.simulator.made_fleet import END_SECONDS, PLACES, made_documents

RESULTS = Path(__file__).parent / "results" / "metric_calls.json"
# Of all places, of which the first is asked about: 40 %. The demo has as many as the small fleet.
SMALL, JOBS = 3_000, 30_000
LOOKS, SECONDS_BETWEEN = 3, 900


class AskedFor:
    """What was asked for, by account, region and period: no call can have several of these."""

    def __init__(self) -> None:
        self.windows: dict[tuple[str, str, int], Counter[Window]] = defaultdict(Counter)
        self.jobs: dict[int, set[str]] = defaultdict(set)  # by period

    def add(self, batch: list[Series]) -> None:
        """Add what one call asks for."""
        for series in batch:
            job, window = series.need
            self.windows[job.account_id, job.region, window.period_seconds][window] += len(series.statistics)
            self.jobs[window.period_seconds].add(job.arn)

    @property
    def queries(self) -> int:
        """How many were asked."""
        return sum(of_key.total() for of_key in self.windows.values())

    @property
    def points_a_job_of_minutes(self) -> float:
        """How many a job has that was asked about while minutes are kept."""
        of_minutes = Counter[Window]()
        for (_, _, period), windows in self.windows.items():
            if period == min(KEPT_SECONDS):
                of_minutes += windows
        return _points(of_minutes) / len(self.jobs[min(KEPT_SECONDS)])

    def least_calls(self) -> int:
        """A number of calls that no way of dividing what was asked for goes below."""
        return sum(map(least_calls, self.windows.values()))


def least_calls(queries: Counter[Window]) -> int:
    """The same of queries with windows of one period: the greater of what queries and points need at least."""
    windows = sorted(queries)
    before = [0, *accumulate(queries[window] for window in windows)]
    # A query takes at least its part of the fullest call that it can be in.
    parts = sum(queries[window] / _most_together(windows, before, at) for at, window in enumerate(windows))
    return max(math.ceil(parts - 1e-9), math.ceil(_points(queries) / POINTS_A_PAGE))


def _most_together(windows: list[Window], before: list[int], at: int) -> float:
    """How many queries a call with a window of these can have: those that start nearby, as far as the limits go.

    ``before`` has for each window the queries of all before it.
    """
    most = 1.0
    for first in range(at, -1, -1):
        if _fitting(windows, first, at, at) <= most:  # nor do more
            break
        for last in range(at, len(windows)):
            fit, there = _fitting(windows, first, at, last), before[last + 1] - before[first]
            most = max(most, min(fit, there))
            if there >= fit:
                break
    return most


def _fitting(windows: list[Window], first: int, at: int, last: int) -> float:
    """How many queries a call may have in which one of these windows is the first to start, and one the last."""
    span = max(_periods(windows[at]), _periods(windows[first]._replace(end=windows[last].start)))
    return min(QUERIES_A_CALL, PERIODS_A_SECOND / max(span, 1))


def _points(queries: Counter[Window]) -> int:
    return sum(number * _periods(window) for window, number in queries.items())


def _periods(window: Window) -> int:
    return (window.end - window.start) // window.period_seconds


@contextmanager
def counted() -> Iterator[AskedFor]:
    """While the block runs, what is asked for is added up."""
    asked = AskedFor()

    def ask(calls: Any, batch: list[Series]) -> Any:
        asked.add(batch)
        return measured(calls, batch)

    collect.measured = ask
    try:
        yield asked
    finally:
        collect.measured = measured


def look(simulator: Simulator, settings: Settings) -> tuple[dict[str, Any], AskedFor]:
    """One run's look, as a line of the table, and what was asked for."""
    simulator.calls.clear()
    with counted() as asked, Home(settings.home).writing():
        outcomes = collect.collect(settings)
    assert not [outcome.error for outcome in outcomes if outcome.error]
    calls, least = simulator.calls["GetMetricData"], asked.least_calls()
    line = {
        "queries": asked.queries,
        "points": sum(outcome.documents for outcome in outcomes),
        "calls": calls,
        "least_calls": least,
        "times_the_least": round(calls / least, 3) if least else None,
    }
    return line, asked


def measure(jobs: int, looks: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """A line of the table for the first look at a fleet, and each of some after it; and what the first comes to."""
    account, region, _ = PLACES[0]
    fleet = Fleet(document for document in made_documents(1, jobs, END_SECONDS) if place(document) == (account, region))
    source = SourceSettings(regions=(region,), role_arn=f"arn:aws:iam::{account}:role/trainyard")
    lines: list[dict[str, Any]] = []
    with Simulator(fleet) as simulator, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "AWS_ENDPOINT_URL": simulator.url,
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": "us-east-1",
        }
        settings = Settings(home=Path(folder) / "home", sources=(source,), calls_per_second=1000)
        end = simulator.now
        for number in range(looks + 1):
            simulator.set_time(end - (looks - number) * SECONDS_BETWEEN)
            assert not [outcome.error for outcome in harvest(settings) if outcome.error]
            load(Home(settings.home))
            line, asked = look(simulator, settings)
            lines.append({"jobs": jobs, "minutes_later": number * SECONDS_BETWEEN // 60} | line)
            if number == 0:
                asked_about = len(set[str]().union(*asked.jobs.values()))
                kept = sum(path.stat().st_size for path in Home(settings.home).metrics.rglob("*.parquet"))
                constants = {
                    "metric_calls_a_job": line["calls"] / asked_about,
                    "metric_points_a_job": asked.points_a_job_of_minutes,
                    "metric_bytes_a_point": kept / line["points"],
                }
    return lines, {name: float(f"{value:.4g}") for name, value in constants.items()}


def main() -> None:
    """Measure, print, keep."""
    of_small, _ = measure(SMALL, 0)
    of_large, constants = measure(JOBS, LOOKS)
    lines = of_small + of_large
    RESULTS.write_text(json.dumps({"lines": lines, **constants}, indent=2) + "\n")
    table = Table(*(column.replace("_", " ") for column in lines[0]), title="one of the four sources of so many jobs")
    for line in lines:
        table.add_row(*("" if value is None else f"{value:,}" for value in line.values()))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
