"""The number of calls that the benchmark holds ours against: what the limits of GetMetricData allow, and no more."""

from collections import Counter

import pytest

from benchmarks.metric_calls import least_calls
from pipelines.cloudwatch.windows import Window


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
