"""Which windows of time are asked for, and at which period: the finest that CloudWatch still keeps.

Pure. Instants are epoch seconds. Not here: which jobs there are.
"""

from __future__ import annotations

from typing import NamedTuple

_DAY = 24 * 3600

# CloudWatch keeps points of a period for so long, in seconds; then it sums them up in the next.
KEPT_SECONDS = {60: 15 * _DAY, 300: 63 * _DAY, 3600: 455 * _DAY}
# What it may forget before it is asked counts as forgotten.
MARGIN_SECONDS = 3600
# A measurement may come so late: younger periods are left to the next look, so that none is asked for twice.
SETTLING_SECONDS = 300


class Window(NamedTuple):
    """Periods of one length from ``start`` until before ``end``, both multiples of it."""

    start: int
    end: int
    period_seconds: int


def forgotten_before(now: float, period_seconds: int = max(KEPT_SECONDS)) -> int:
    """The hour before which points of a period are not asked for any more; by default, points of any."""
    return up(now - KEPT_SECONDS[period_seconds] + MARGIN_SECONDS, 3600)


def windows_due(started_at: float, ended_at: float | None, held_until: float | None, now: float) -> list[Window]:
    """What is to be asked of a job that ran from ``started_at``, and has not ended if ``ended_at`` is None.

    All before ``held_until``, if not None, was asked for already.
    """
    until = down(now - SETTLING_SECONDS, 60)
    if ended_at is not None:
        until = min(until, up(ended_at, 60))
    due = []
    for period in KEPT_SECONDS:
        first = forgotten_before(now, period)
        # A period that begins in what is held would be there twice.
        begin = down(started_at, period) if held_until is None else up(held_until, period)
        window = Window(max(begin, first), up(until, period), period)
        if window.start < window.end:
            due.append(window)
        until = min(until, first)
    return due


def earliest(windows: list[Window], most_periods: int) -> list[Window]:
    """The earliest of windows that overlap nowhere, up to so many periods in all: the last of them may be cut."""
    some = []
    for window in sorted(windows):
        start, end, period = window
        end = min(end, start + most_periods * period)
        if start < end:
            some.append(Window(start, end, period))
        most_periods -= (end - start) // period
    return some


def up(instant: float, period_seconds: int) -> int:
    """The first multiple of a period that is not before an instant."""
    return -int(-instant // period_seconds) * period_seconds


def down(instant: float, period_seconds: int) -> int:
    """The last multiple of a period that is not after an instant."""
    return int(instant // period_seconds) * period_seconds
