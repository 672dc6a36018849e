"""Instants as integer microseconds of UTC, half-open intervals, the days and hours they touch. Nothing about jobs."""

from datetime import datetime, timedelta

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1)


def microseconds(seconds):
    """Epoch seconds as integer microseconds; None stays None."""
    return None if seconds is None else round(seconds * SECOND)


def timestamp(instant):
    """An instant as a naive datetime of UTC; None stays None."""
    return None if instant is None else EPOCH + timedelta(microseconds=instant)


def day_of(instant):
    return timestamp(instant).date()


def month_of(instant):
    return day_of(instant).replace(day=1)


def overlap(start, end, other_start, other_end):
    """Microseconds that two intervals share."""
    return max(0, min(end, other_end) - max(start, other_start))


def buckets(start, end, width):
    """Starts of the hours or days that ``[start, end)`` touches; that of ``start`` even if the interval is empty."""
    first = start // width * width
    return range(first, max(end, first + 1), width)
