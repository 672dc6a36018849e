"""Sums, shares, quantiles, intervals of confidence and survival, over exact numbers. Nothing about jobs."""

from bisect import bisect_left
from collections import Counter
from fractions import Fraction
from math import floor, sqrt

from scipy.stats import chi2

from tests.oracle.intervals import HOUR, SECOND

Z = 1.959963984540054


def grouped(items, key):
    """key -> the items that have it."""
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def total(values):
    """Sum of what is known; None if nothing is, as SQL has it."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def seconds(microseconds):
    return None if microseconds is None else microseconds / SECOND


def hours(microseconds):
    return None if microseconds is None else microseconds / HOUR


def share(part, whole):
    return part / whole if part is not None and whole else None


def mean_seconds(lengths):
    return sum(lengths) / (len(lengths) * SECOND) if lengths else None


def quantile_seconds(lengths, q):
    """The quantile of ``lengths`` in microseconds, in seconds."""
    return float(_quantile(lengths, q) / SECOND) if lengths else None


def quantile(values, q):
    """Linear interpolation between the two nearest of exact ``values``; ``q``: text such as "0.9"."""
    return float(_quantile(values, q)) if values else None


def _quantile(values, q):
    ordered = sorted(values)
    position = Fraction(q) * (len(ordered) - 1)
    below = ordered[floor(position)]
    above = ordered[min(floor(position) + 1, len(ordered) - 1)]
    return below + (above - below) * (position - floor(position))


def wilson(part, whole):
    """Score interval of 95 % for a proportion, as (low, high); None twice of nothing."""
    if whole == 0:
        return None, None
    p = part / whole
    centre = p + Z**2 / (2 * whole)
    margin = Z * sqrt(p * (1 - p) / whole + Z**2 / (4 * whole**2))
    scale = 1 + Z**2 / whole
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)


def proportion(name, part, whole):
    """A share of counts with its interval, by the names of columns."""
    low, high = wilson(part, whole)
    return {name: share(part, whole), f"{name}_low": low, f"{name}_high": high}


def garwood(events):
    """Exact interval of 95 % for a Poisson mean, from the quantiles of chi-square."""
    low = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    return float(low), float(chi2.ppf(0.975, 2 * events + 2) / 2)


def kaplan_meier_seconds(events, censored, q):
    """Smallest time by which a share ``q`` (text) has had its event; None if it never comes to that.

    ``events`` and ``censored``: microseconds. Whoever is censored at the instant of an event was still at risk of it.
    """
    everyone = sorted([*events, *censored])
    surviving = possible = 1  # their ratio is the survival, exact
    for time, happened in sorted(Counter(events).items()):
        at_risk = len(everyone) - bisect_left(everyone, time)
        surviving *= at_risk - happened
        possible *= at_risk
        if surviving <= (1 - Fraction(q)) * possible:
            return time / SECOND
    return None
