"""What was measured of the jobs of a fleet, made up: how hard each instance worked in each minute, and what the
algorithm reported.

By formula, the same for the same job: nothing is stored, and an hour costs no more than a minute. Some jobs leave their
GPUs idle, some use one of many, in some one host is slower than the others. Not here: who asks, and what is still kept.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

from pipelines.shipped import shipped
from pipelines.simulator.fleet import Document

MINUTE = 60
# While a job downloads, in the first minutes of its run, processors hardly work.
SETUP_MINUTES, SETUP_SHARE = 2, 0.01

# How far from its peak a load is, minute by minute, over and over.
_DIP = [(2 + math.sin(0.7 * minute) + math.sin(2.3 * minute)) / 4 for minute in range(64)]
_DIPS_BEFORE = [0.0, *accumulate(_DIP)]
_UNKNOWN_TYPE = (96, 8)  # vCPUs, GPUs


class Statistics(NamedTuple):
    """Of the measurements of a period."""

    mean: float
    maximum: float


@dataclass(frozen=True)
class Load:
    """A load from minute ``first`` until before ``end`` (minutes since 1970), in percent.

    It is at most ``peak``, goes down by a share of ``swing``, and is ``setup`` in the first minutes.
    """

    first: int
    end: int
    peak: float
    swing: float
    setup: float

    def during(self, begin: int, end: int) -> Statistics | None:
        """What is measured in some minutes; None if the load is in none of them."""
        begin, end = max(begin, self.first), min(end, self.end)
        if begin >= end:
            return None
        working = max(begin, min(end, self.first + SETUP_MINUTES))
        minutes, setup_minutes = end - working, working - begin
        dips = _dips(end) - _dips(working)
        total = setup_minutes * self.setup + self.peak * (minutes - self.swing * dips)
        least_dip = _least_dip(working % len(_DIP), min(minutes, len(_DIP))) if minutes else 1
        maximum = max(self.setup if setup_minutes else 0, self.peak * (1 - self.swing * least_dip) if minutes else 0)
        return Statistics(total / (end - begin), maximum)


@dataclass(frozen=True)
class Course:
    """A metric of an algorithm that goes evenly from one value to another while a job runs."""

    first: int
    end: int
    begins_at: float
    ends_at: float

    def during(self, begin: int, end: int) -> Statistics | None:
        """What is reported in some minutes; None if the job ran in none of them."""
        begin, end = max(begin, self.first), min(end, self.end)
        if begin >= end:
            return None
        values = [
            self.begins_at + (self.ends_at - self.begins_at) * (minute - self.first) / (self.end - self.first)
            for minute in (begin, end)
        ]
        return Statistics(sum(values) / 2, max(values))


def of_host(document: Document, host: str, metric: str, now: float) -> Load | None:
    """A metric of the hardware of an instance, `algo-1` and so on; None if the job has no such instance or metric."""
    minutes, machine = _minutes(document, now), _machines(document).get(host)
    if minutes is None or machine is None:
        return None
    name = document["TrainingJobName"]
    vcpus, gpus = machine
    kind = _chance(name, "kind")
    slowness = 0.5 if host == "algo-2" and _chance(name, "straggler") < 0.15 else 1 - 0.06 * _chance(name, host)
    if metric == "GPUUtilization" and gpus:
        share = 0.03 if kind < 0.12 else 0.95 / gpus if kind < 0.2 else 0.5 + 0.5 * _chance(name, metric)
        return Load(*minutes, 100 * gpus * share * slowness, 0.4, 100 * gpus * SETUP_SHARE)
    if metric == "GPUMemoryUtilization" and gpus:
        share = 0.04 if kind < 0.12 else 0.9 / gpus if kind < 0.2 else 0.25 + 0.7 * _chance(name, metric)
        return Load(*minutes, 100 * gpus * share, 0.05, 0)
    if metric == "CPUUtilization":
        return Load(*minutes, 100 * vcpus * (0.1 + 0.85 * _chance(name, metric)) * slowness, 0.5, 100 * SETUP_SHARE)
    if metric == "MemoryUtilization":
        return Load(*minutes, 8 + 85 * _chance(name, metric), 0.1, 3)
    if metric == "DiskUtilization":
        return Load(*minutes, 5 + 70 * _chance(name, metric), 0.02, 4)
    return None


def of_algorithm(document: Document, metric: str, now: float) -> Course | None:
    """A metric that the job's definitions name; None for any other."""
    minutes = _minutes(document, now)
    definitions = (document.get("AlgorithmSpecification") or {}).get("MetricDefinitions") or []
    if minutes is None or metric not in {definition.get("Name") for definition in definitions}:
        return None
    finals = {each.get("MetricName"): each.get("Value") for each in document.get("FinalMetricDataList") or []}
    ends_at = finals.get(metric) or 0.1 + _chance(document["TrainingJobName"], metric)
    return Course(*minutes, 0.5 * ends_at if "a" in metric else 3 * ends_at, ends_at)


def _minutes(document: Document, now: float) -> tuple[int, int] | None:
    """The minutes in which a job ran, up to ``now``; None if it did not."""
    started, ended = document.get("TrainingStartTime"), document.get("TrainingEndTime")
    if started is None:
        return None
    first, end = int(started // MINUTE), -int(-min(now, now if ended is None else ended) // MINUTE)
    return (first, end) if first < end else None


def _machines(document: Document) -> Mapping[str, tuple[int, int]]:
    """vCPUs and GPUs of each instance, group by group."""
    config = document.get("ResourceConfig") or {}
    groups = config.get("InstanceGroups") or [config]
    machines = [
        _types().get(group.get("InstanceType"), _UNKNOWN_TYPE)
        for group in groups
        for _ in range(group.get("InstanceCount") or 0)
    ]
    return {f"algo-{number}": machine for number, machine in enumerate(machines, 1)}


@cache
def _types() -> dict[str, tuple[int, int]]:
    with (shipped("reference") / "instance_types.csv").open(encoding="utf-8") as lines:
        return {row["instance_type"]: (int(row["vcpus"]), int(row["gpus"] or 0)) for row in csv.DictReader(lines)}


def _dips(minute: int) -> float:
    """The sum of all dips before a minute."""
    rounds, rest = divmod(minute, len(_DIP))
    return rounds * _DIPS_BEFORE[-1] + _DIPS_BEFORE[rest]


@cache
def _least_dip(first: int, minutes: int) -> float:
    return min((_DIP * 2)[first : first + minutes])


@cache
def _chance(*names: str) -> float:
    """A number from 0 to 1, always the same for the same names."""
    return crc32("/".join(names).encode()) / 2**32
