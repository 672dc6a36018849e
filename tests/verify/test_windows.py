"""Counting finds every window in which two sides differ, with few counts."""

import math
from bisect import bisect_left
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.verify.windows import LOOK_JOBS, Window, differing, months

DAY = 24 * 3600


class Jobs:
    """A side: seconds of creation, sorted."""

    def __init__(self, seconds):
        self.seconds = sorted(seconds)
        self.counted = 0

    def within(self, window):
        return self.seconds[bisect_left(self.seconds, window.start) : bisect_left(self.seconds, window.end)]

    def count(self, window):
        self.counted += 1
        return len(self.within(window))

    def middle(self, window):
        within = self.within(window)
        return within[len(within) // 2] if within else None


seconds = st.lists(st.integers(0, 1000) | st.integers(500, 510), max_size=400)


@settings(deadline=None)
@given(seconds, seconds, st.integers(1, 500))
def test_the_windows_found_hold_all_the_difference(service, lake, most_counted):
    whole = Window(0, 1001)
    service, lake = Jobs(service), Jobs(lake)

    def count(window):
        counted = service.count(window)
        return counted if counted <= most_counted else None  # as where it counts no further

    found = list(differing(whole, count, lake))
    assert all(a.end <= b.start for a, b in pairwise(found))
    for window in found:
        assert service.count(window) != lake.count(window) or service.count(window) > most_counted
    # Outside of them the counts agree, in each stretch between two.
    edges = [0, *(edge for window in found for edge in window), 1001]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        assert service.count(Window(start, end)) == lake.count(Window(start, end))


def test_one_that_is_missing_is_found_with_few_counts():
    lake = Jobs(range(0, 1_000_000, 10))
    service = Jobs([*lake.seconds, 123_456])
    (window,) = differing(Window(0, 1_000_000), service.count, lake)
    assert window.start <= 123_456 < window.end
    assert len(service.within(window)) <= LOOK_JOBS
    assert service.counted <= math.ceil(math.log2(100_000 / LOOK_JOBS)) + 1


def test_a_long_gap_is_found_whole_in_few_windows():
    service = Jobs(range(0, 1_000_000, 10))
    lake = Jobs(second for second in service.seconds if not 400_000 <= second < 450_000)
    found = list(differing(Window(0, 1_000_000), service.count, lake))
    assert sum(len(service.within(window)) for window in found) < 5_000 + 10 * LOOK_JOBS
    assert service.counted < 50


def test_a_side_that_does_not_count_is_looked_at_as_the_other_counts():
    lake = Jobs(range(0, 1_000_000, 10))
    found = list(differing(Window(0, 1_000_000), lambda window: None, lake))
    assert all(0 < len(lake.within(window)) <= LOOK_JOBS for window in found)
    assert sum(len(lake.within(window)) for window in found) == 100_000


def test_months_cover_all_time_once():
    first = int(datetime(2025, 11, 20, tzinfo=UTC).timestamp())
    until = int(datetime(2026, 2, 3, 4, tzinfo=UTC).timestamp())
    found = list(months(first, until))
    assert [window.month for window in found] == ["2025-10", "2025-11", "2025-12", "2026-01", "2026-02"]
    assert (found[0].start, found[-1].end) == (0, until)
    assert all(a.end == b.start for a, b in pairwise(found))
    assert list(months(None, until)) == [Window(0, until)]
    assert list(months(until + DAY * 40, until)) == [Window(0, until)]
