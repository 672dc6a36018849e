"""Where two sides have different numbers of jobs, found by counting in windows of CreationTime, halved again and again.

Of n jobs in a window, one that differs is found with about log2(n / 100) + 1 counts. A job that one side lacks and
another that the other side lacks cancel each other out as long as no window parts them: that is the price of counting.
Pure. Not here: who counts, and what is done about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from pipelines.lake.manifest import month_of

LOOK_JOBS = 100  # one page
LOOK_JOBS_ALL_NEW = 5_000  # where the lake has none, every page is of use


class Window(NamedTuple):
    """CreationTimes in whole epoch seconds, from ``start`` to before ``end``."""

    start: int
    end: int

    @property
    def month(self) -> str:
        """The month (UTC) in which it ends."""
        return month_of(self.end - 1)


class Side(Protocol):
    """The side that is cheap to ask."""

    def count(self, window: Window) -> int:
        """How many jobs it has in a window."""

    def middle(self, window: Window) -> int | None:
        """The second of its middle job in a window; None if it has none."""


def months(first: int | None, until: int) -> Iterator[Window]:
    """All time before ``until``: what was before the month of ``first`` (if there is one), then month by month."""
    start = 0
    month = datetime.fromtimestamp(first, UTC) if first is not None else None
    while month and (begin := int(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp())) < until:
        yield Window(start, begin)
        start = begin
        month = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    yield Window(start, until)


def differing(
    window: Window, count: Callable[[Window], int | None], side: Side, hits: int | None = None
) -> Iterator[Window]:
    """The parts of a window in which the sides differ, small enough to look at.

    ``count`` asks the costly side (None: more than it counts exactly); ``hits`` is what it says of the whole window.
    """
    hits = count(window) if hits is None else hits
    held = side.count(window)
    if hits == held:
        return
    jobs = held if hits is None else hits
    if jobs <= (LOOK_JOBS if held else LOOK_JOBS_ALL_NEW) or window.end - window.start == 1:
        yield window
        return
    middle = side.middle(window)
    if middle is None or middle == window.start:
        middle = (window.start + window.end) // 2
    earlier, later = Window(window.start, middle), Window(middle, window.end)
    earlier_hits = count(earlier)
    later_hits = hits - earlier_hits if hits is not None and earlier_hits is not None else None
    yield from differing(earlier, count, side, earlier_hits)
    yield from differing(later, count, side, later_hits)
