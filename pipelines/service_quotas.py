"""Service Quotas: how many instances an account may use at once in a region, by type, as applied now.

Service Quotas tells no dates: a quota holds from the day on which it was first seen. Here: what is asked, and which
quotas are of training. Not here: when it is asked, and keeping what it tells (``fetched``).
"""

from __future__ import annotations

import re
from functools import partial

import msgspec

from pipelines.fetched.fetch import Service, Told, day_of
from pipelines.fetched.history import Row
from pipelines.harvest.calls import Calls, decoded
from pipelines.harvest.sources import Source
from pipelines.models.reference import QUOTAS

HIGHEST = 1_000_000_000  # what is more is no number of instances
TRAINING_JOBS, WARM_POOLS, ALL_TYPES = "training_jobs", "warm_pools", "all"
_OF_A_TYPE = re.compile(r"(?P<type>ml\.\S+) for (?P<use>training job|spot training job|training warm pool) usage")
_OF_ALL_TYPES = re.compile(r"Number of instances across all (?P<use>training job|spot training job)s")
# What AWS calls a use: its kind, and whether it is of spot jobs.
_USES = {
    "training job": (TRAINING_JOBS, False),
    "spot training job": (TRAINING_JOBS, True),
    "training warm pool": (WARM_POOLS, False),
}


class _Quota(msgspec.Struct, rename="pascal"):
    quota_code: str = ""
    quota_name: str = ""
    value: float | None = None


class _Page(msgspec.Struct, rename="pascal"):
    quotas: list[_Quota]


_PAGE = msgspec.json.Decoder(_Page)


def connect(source: Source) -> Calls:
    """Calls to Service Quotas in a source's region."""
    return Calls.by(partial(source.new_client, "service-quotas"))


def ask(source: Source, calls: Calls) -> Told:
    """The applied quotas of training of a source."""
    rows, day = [], ""
    for answer in calls.pages("ListServiceQuotas", ServiceCode="sagemaker", MaxResults=100):
        quotas = decoded(_PAGE, answer.body, "ListServiceQuotas").quotas
        rows += [row for quota in quotas if (row := _row(quota, source))]
        day = day_of(answer.answered_at)
    return Told(rows, day, [])


def ask_one(source: Source) -> None:
    """Ask for one quota, to see whether that is allowed; raises as ``Calls`` does."""
    connect(source).ask("ListServiceQuotas", ServiceCode="sagemaker", MaxResults=1)


SERVICE_QUOTAS = Service("service-quotas", QUOTAS, "instances", "{}-{}".format, connect, ask)


def _row(quota: _Quota, source: Source) -> Row | None:
    """The row of a quota of training; None for another's, and where AWS could not tell its value."""
    of_type, of_all = _OF_A_TYPE.fullmatch(quota.quota_name), _OF_ALL_TYPES.fullmatch(quota.quota_name)
    found = of_type or of_all
    if found is None or quota.value is None or not 0 <= quota.value <= HIGHEST:
        return None
    kind, is_spot = _USES[found["use"]]
    return {
        "account_id": str(source.account_id),
        "region": source.region,
        "instance_type": of_type["type"] if of_type else ALL_TYPES,
        "is_spot": str(is_spot).lower(),
        "valid_from": "",
        "instances": str(int(quota.value)),
        "kind": kind,
        "quota_code": quota.quota_code,
    }
