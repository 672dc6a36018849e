"""The time zone of buckets: the only place that knows of zones.

Here: `local_time(utc)` and `utc_time(local)`, made for one zone from Python's own time zone data as plain comparisons.
Storage stays UTC: a model calls them where an instant becomes a day or an hour, and never one in an argument of the
other: each repeats its argument for every change of the zone's clocks. Not here: the setting, what is put into buckets,
and how engines come to know functions (``functions``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

UTC = "UTC"

# No training job is older, and rules of further years are guesses.
_FIRST = datetime(1970, 1, 1)  # noqa: DTZ001  # naive UTC, as stored
_LAST = datetime(2100, 1, 1)  # noqa: DTZ001
# No zone has changed twice within so few days.
_STEP = timedelta(days=7)


def time_expressions(time_zone: str) -> tuple[str, str]:
    """What the zone's clocks show at an instant `utc`, and the instant at which they show `local`."""
    changes, offsets = _changes(ZoneInfo(time_zone))
    local = [_shifted("utc", offset) for offset in offsets]
    utc = [_shifted("local", -offset) for offset in offsets]
    later = [
        f"case when {each} < {_literal(change)} then {_literal(change)} else {each} end"
        for change, each in zip(changes, utc[1:], strict=True)
    ]
    # A change is when the clocks of before would show this.
    shown = [change + offset for change, offset in zip(changes, offsets, strict=False)]
    return _chosen("utc", changes, local), _chosen("local", shown, [utc[0], *later])


def _changes(zone: ZoneInfo) -> tuple[list[datetime], list[timedelta]]:
    """The instants at which a zone's offset from UTC changes, and the offsets before, between and after them."""
    changes, offsets = [], [_offset(zone, _FIRST)]
    instant = _FIRST
    while instant < _LAST:
        if _offset(zone, instant + _STEP) != offsets[-1]:
            changes.append(_change(zone, instant, instant + _STEP))
            offsets.append(_offset(zone, instant + _STEP))
        instant += _STEP
    return changes, offsets


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second in between, to the second, at which the offset is that of ``after``."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(zone, middle) == _offset(zone, after):
            after = middle
        else:
            before = middle
    return after


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    local = zone.fromutc(instant.replace(tzinfo=zone))
    return local.replace(tzinfo=None) - instant


def _chosen(name: str, thresholds: list[datetime], choices: list[str]) -> str:
    """The choice of the stretch in which ``name`` lies, found by halving; there is one threshold less than choices."""
    if not thresholds:
        return choices[0]
    half = len(thresholds) // 2
    below = _chosen(name, thresholds[:half], choices[: half + 1])
    above = _chosen(name, thresholds[half + 1 :], choices[half + 1 :])
    return f"case when {name} < {_literal(thresholds[half])} then {below} else {above} end"


def _shifted(name: str, offset: timedelta) -> str:
    seconds = offset // timedelta(seconds=1)
    return f"{name} + interval '{seconds}' second" if seconds else name


def _literal(instant: datetime) -> str:
    return f"timestamp '{instant:%Y-%m-%d %H:%M:%S}'"
