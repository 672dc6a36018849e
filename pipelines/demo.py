"""The demo: the settings that point the main job at an embedded simulator, in a data directory of its own.

Not here: the simulator, nor the main job.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.config import Settings, SourceSettings
from pipelines.errors import TrainyardError
from pipelines.fetched.fetch import day_of
from pipelines.fetched.history import write_rows
from pipelines.home import Home
from pipelines.models.reference import CAPACITIES, PRICES, QUOTAS, file_of
from pipelines.service_quotas import ALL_TYPES, TRAINING_JOBS, WARM_POOLS
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.made_fleet import made_fleet
from pipelines.simulator.price_list import CHEAPER_FAMILY, PRICED_SINCE, made_price
from pipelines.simulator.service_quotas import SPOT, WARM_POOL, ServiceQuotas

CALLS_PER_SECOND = 1000  # the simulator is nobody else's
RESERVED_FAMILIES = ("ml.p4d", "ml.p5")  # what is reserved: one instance of each type of these, wherever it is used


@contextmanager
def demo_settings(settings: Settings) -> Iterator[Settings]:
    """Serve the made fleet while the block runs, and give settings whose sources are its accounts and regions.

    Raises TrainyardError where the data directory holds harvested jobs already: the demo's would be among them.
    """
    home = Home(settings.home)
    if home.url:
        raise TrainyardError(f"the demo needs no {home.url}: set TRAINYARD_HOME to a directory for it")
    if home.raw.exists() and not home.demo.exists():
        raise TrainyardError(f"{home.root} holds harvested jobs: set TRAINYARD_HOME to another directory for the demo")
    home.create()
    fleet = made_fleet()
    regions: dict[str, set[str]] = {}
    for document in fleet.documents:
        _, _, _, region, account, _ = document["TrainingJobArn"].split(":", 5)
        regions.setdefault(account, set()).add(region)
    sources = tuple(
        SourceSettings(regions=tuple(sorted(names)), role_arn=f"arn:aws:iam::{account}:role/trainyard")
        for account, names in sorted(regions.items())
    )
    with Simulator(fleet) as simulator:
        home.demo.write_text(simulator.url, "utf-8")
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= {
            "AWS_ENDPOINT_URL": simulator.url,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        _bring_what_was_before(fleet, home)
        asked = {"cloudwatch": True, "price_list": True, "service_quotas": True}
        yield settings.model_copy(update={"sources": sources, "calls_per_second": CALLS_PER_SECOND, **asked})


def _bring_what_was_before(fleet: Fleet, home: Home) -> None:
    """Write what a user would who knows it: prices and quotas before the demo first asks for them, and capacity."""
    first = min(document["CreationTime"] for document in fleet.documents)
    quotas = ServiceQuotas(fleet).instances
    prices = {
        (instance_type, region): made_price(instance_type, region, PRICED_SINCE)
        for (_, region), limits in quotas.items()
        for _, instance_type in limits
        if instance_type and instance_type.startswith(CHEAPER_FAMILY)
    }
    price_rows = [
        {"instance_type": instance_type, "region": region, "is_spot": "false"}
        | {"valid_from": since, "price_per_hour": str(price)}
        for (instance_type, region), (since, price) in sorted(prices.items())
    ]
    quota_rows = [
        {"account_id": account, "region": region, "instance_type": instance_type or ALL_TYPES}
        | {"is_spot": str(use == SPOT).lower(), "valid_from": day_of(first), "instances": str(instances)}
        | {"kind": WARM_POOLS if use == WARM_POOL else TRAINING_JOBS}
        for (account, region), limits in sorted(quotas.items())
        for (use, instance_type), instances in limits.items()
        if instance_type or use != WARM_POOL
    ]
    capacity_rows = [
        {"account_id": account, "region": region, "instance_type": instance_type}
        | {"valid_from": day_of(first), "instances": "1"}
        for (account, region), limits in sorted(quotas.items())
        for instance_type in sorted({named for _, named in limits if named and named.startswith(RESERVED_FAMILIES)})
    ]
    for table, rows in ((PRICES, price_rows), (QUOTAS, quota_rows), (CAPACITIES, capacity_rows)):
        if not file_of(table, home.reference).exists():
            write_rows(home.reference, table, rows)
