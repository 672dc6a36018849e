"""Service Quotas, the part that tells how many instances may be used at once: ListServiceQuotas, as AWS JSON 1.1.

The quotas are made up for a fleet: for what it uses a usual number that has always been enough, for the rest none.
Beside those of training there are others of the same types, as AWS has them.
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import msgspec

from pipelines.shipped import shipped
from pipelines.simulator.errors import ServiceError
from pipelines.simulator.fleet import Document, Fleet, place
from pipelines.simulator.paging import Parameters, page_of, question_of

MOST_RESULTS = 100

TRAINING, SPOT, WARM_POOL = "training job", "spot training job", "training warm pool"
# Uses of instances that are no training.
OTHERS = ("endpoint", "processing job", "transform job")
USUAL = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
UNUSED = 0
CODE_OF_ALL_TRAINING = "L-00C91CB5"

# What is limited: a use of instances, and their type; None for all types together.
Limited = tuple[str, str | None]


class ServiceQuotas:
    """The service, for the accounts of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._quotas: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def respond(self, operation: str, body: bytes, account: str | None, region: str, now: float) -> bytes:
        """The answer to a call of an account (None: the fleet's first) in a region; raises ``ServiceError``."""
        if operation != "ListServiceQuotas":
            raise ServiceError("UnknownOperationException", f"The simulator has no operation {operation}.")
        parameters = msgspec.json.decode(body, type=Parameters)
        if parameters.get("ServiceCode") != "sagemaker":
            raise ServiceError("NoSuchResourceException", "The simulator has quotas of sagemaker alone.")
        account = account or next(iter(self._fleet.accounts), "000000000000")
        if (account, region) not in self._quotas:
            self._quotas[account, region] = list(_quotas(self.instances.get((account, region), {}), account, region))
        asked = question_of(operation, parameters)
        page, token = page_of(self._quotas[account, region], asked, parameters, MOST_RESULTS)
        return msgspec.json.encode({"Quotas": page, **token})

    @cached_property
    def instances(self) -> dict[tuple[str, str], dict[Limited, int]]:
        """By account and region the quotas of what the fleet uses."""
        edges: dict[tuple[str, str], dict[Limited, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
        for document in self._fleet.documents:
            of_place = edges[place(document)]
            for use, instance_type, start, end, count in _uses(document):
                for limited in ((use, instance_type), (use, None)):
                    of_place[limited] += [(start, count), (end, -count)]
        return {
            where: {limited: _usual(_peak(of)) for limited, of in of_place.items()} for where, of_place in edges.items()
        }


def _uses(document: Document) -> Iterator[tuple[str, str, float, float, int]]:
    """Use, instance type, start, end and instances of what a job used, and what was kept after it."""
    start = document.get("TrainingStartTime")
    if not isinstance(start, int | float):
        return
    end = document.get("TrainingEndTime") or document.get("LastModifiedTime") or start
    kept = (document.get("WarmPoolStatus") or {}).get("ResourceRetainedBillableTimeInSeconds") or 0
    use = SPOT if document.get("EnableManagedSpotTraining") else TRAINING
    config = document.get("ResourceConfig") or {}
    for group in config.get("InstanceGroups") or [config]:
        named, count = group.get("InstanceType"), group.get("InstanceCount")
        if named and isinstance(count, int):
            # What a warm pool keeps counts towards both its quotas.
            yield use, named, start, max(start, end + kept), count
            if kept:
                yield WARM_POOL, named, end, end + kept, count


def _peak(edges: Iterable[tuple[float, int]]) -> int:
    level = most = 0
    for _, change in sorted(edges):
        level += change
        most = max(most, level)
    return most


def _usual(peak: int) -> int:
    return next((usual for usual in USUAL if usual >= peak), peak)


def _quotas(used: dict[Limited, int], account: str, region: str) -> Iterator[dict[str, Any]]:
    with (shipped("reference") / "instance_types.csv").open(encoding="utf-8") as lines:
        known = [row["instance_type"] for row in csv.DictReader(lines)]
    for instance_type in sorted({*known, *(named for _, named in used if named)}):
        for use in (TRAINING, SPOT, WARM_POOL, *OTHERS):
            yield _quota(f"{instance_type} for {use} usage", used.get((use, instance_type), UNUSED), account, region)
    for use in (TRAINING, SPOT):
        yield _quota(f"Number of instances across all {use}s", used.get((use, None), UNUSED), account, region)


def _quota(name: str, value: int, account: str, region: str) -> dict[str, Any]:
    code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
    if name == f"Number of instances across all {TRAINING}s":
        code = CODE_OF_ALL_TRAINING
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:servicequotas:{region}:{account}:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
