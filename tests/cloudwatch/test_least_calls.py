"""The number of calls that the benchmark holds ours against: what the limits of GetMetricData allow, and no more."""

from collections import Counter
from random import Random

import pytest

from benchmarks.metric_calls import AskedFor, least_calls
from pipelines.cloudwatch.batches import POINTS_A_PAGE, Need, batches
from pipelines.cloudwatch.windows import Window, windows_due
from tests.cloudwatch.test_windows import DAY, NOW, job


def window(first, periods):
    return Window(first * 60, (first + periods) * 60, 60)


@pytest.mark.parametrize(
    ("queries", "calls"),
    [
        ({window(0, 10): 1000}, 2),  # 500 a call
        ({window(0, 21_600): 10}, 3),  # 216,000 points, at 100,800 a page
        ({window(0, 10): 250, window(700, 10): 250}, 1),
        # 500 queries that span 2,000 periods ask for 1,000,000, of 396,000.
        ({window(0, 10): 250, window(2_000, 10): 250}, 2),
        ({window(0, 10): 10, window(2_000, 10): 10}, 1),
        ({}, 0),
    ],
)
def test_least_calls(queries, calls):
    assert least_calls(Counter(queries)) == calls


def test_a_fleet_with_few_jobs_a_day_takes_few_calls_more():
    random, needs = Random(0), []
    for number in range(1_500):
        started_at = NOW - random.random() * 440 * DAY
        ended_at = started_at + min(random.lognormvariate(8.5, 1.2), 5 * DAY)
        one = job(f"j{number}", random.choice([1, 1, 1, 2, 8]))
        needs += [Need(one, each) for each in windows_due(started_at, ended_at, None, NOW)]
    asked, pages = AskedFor(), 0
    for batch in batches(needs):
        asked.add(batch)
        points = sum(
            len(series.statistics) * (window.end - window.start) // window.period_seconds
            for series in batch
            for window in [series.need.window]
        )
        pages += max(1, -(-points // POINTS_A_PAGE))
    assert 1 <= pages / asked.least_calls() < 1.1
