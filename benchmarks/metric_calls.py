"""How many calls CloudWatch takes for a year of jobs, beside the number that its limits allow.

    python -m benchmarks.metric_calls

A first look at all that a simulated CloudWatch keeps of a made fleet, and looks of every 15 minutes thereafter. What
the limits allow: 500 queries and 100,800 points a call, whatever the windows of these are. The result is printed, and
kept in ``results/metric_calls.json``. Not here: how long it takes, which the service decides.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.cloudwatch import collect
from pipelines.cloudwatch.batches import POINTS_A_PAGE, QUERIES_A_CALL, Series
from pipelines.cloudwatch.metric_data import measured
from pipelines.config import Settings, SourceSettings
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.fleet import place
from pipelines.simulator.made_fleet import END_SECONDS, PLACES, made_documents

RESULTS = Path(__file__).parent / "results" / "metric_calls.json"
JOBS = 30_000  # of all places, of which the first is asked about: 40 %
LOOKS, SECONDS_BETWEEN = 3, 900


class Need:
    """What was asked for, added up by account, region and period: no call can have several of these."""

    def __init__(self) -> None:
        self.queries: Counter[tuple[str, str, int]] = Counter()
        self.points: Counter[tuple[str, str, int]] = Counter()

    def add(self, batch: list[Series]) -> None:
        """Add what one call asks for."""
        for series in batch:
            (job, window), queries = series.need, len(series.statistics)
            key = job.account_id, job.region, window.period_seconds
            self.queries[key] += queries
            self.points[key] += queries * (window.end - window.start) // window.period_seconds

    def least_calls(self) -> int:
        """As many calls as could give it, were each of them full."""
        return sum(
            max(math.ceil(queries / QUERIES_A_CALL), math.ceil(self.points[key] / POINTS_A_PAGE))
            for key, queries in self.queries.items()
        )


@contextmanager
def counted() -> Iterator[Need]:
    """While the block runs, what is asked for is added up."""
    need = Need()

    def ask(calls: Any, batch: list[Series]) -> Any:
        need.add(batch)
        return measured(calls, batch)

    collect.measured = ask
    try:
        yield need
    finally:
        collect.measured = measured


def look(simulator: Simulator, settings: Settings) -> dict[str, Any]:
    """One run's look, as a line of the table."""
    simulator.calls.clear()
    with counted() as need, Home(settings.home).writing():
        outcomes = collect.collect(settings)
    assert not [outcome.error for outcome in outcomes if outcome.error]
    calls, least = simulator.calls["GetMetricData"], need.least_calls()
    return {
        "queries": need.queries.total(),
        "points": sum(outcome.documents for outcome in outcomes),
        "calls": calls,
        "least_calls": least,
        "times_the_least": round(calls / least, 3) if least else None,
    }


def measure() -> dict[str, dict[str, Any]]:
    """Every line of the table, by its name."""
    account, region, _ = PLACES[0]
    fleet = Fleet(document for document in made_documents(1, JOBS, END_SECONDS) if place(document) == (account, region))
    source = SourceSettings(regions=(region,), role_arn=f"arn:aws:iam::{account}:role/trainyard")
    lines = {}
    with Simulator(fleet) as simulator, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "AWS_ENDPOINT_URL": simulator.url,
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": "us-east-1",
        }
        settings = Settings(home=Path(folder) / "home", sources=(source,), calls_per_second=1000)
        end = simulator.now
        for number in range(LOOKS + 1):
            simulator.set_time(end - (LOOKS - number) * SECONDS_BETWEEN)
            assert not [outcome.error for outcome in harvest(settings) if outcome.error]
            load(Home(settings.home))
            line = look(simulator, settings)
            lines["first look" if number == 0 else f"{number * SECONDS_BETWEEN // 60} minutes later"] = line
    return lines


def main() -> None:
    """Measure, print, keep."""
    lines = measure()
    RESULTS.write_text(json.dumps({"jobs": JOBS, "lines": lines}, indent=2) + "\n")
    columns = ("queries", "points", "calls", "least_calls", "times_the_least")
    table = Table("", *(column.replace("_", " ") for column in columns), title=f"one of four sources of {JOBS:,} jobs")
    for name, line in lines.items():
        table.add_row(name, *(f"{line[column]:,}" if line[column] is not None else "" for column in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
