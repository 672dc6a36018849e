"""The demo: the settings that point the main job at an embedded simulator, in a data directory of its own.

Not here: the simulator, nor the main job.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.config import Settings, SourceSettings
from pipelines.errors import TrainyardError
from pipelines.home import Home
from pipelines.simulator import Simulator
from pipelines.simulator.made_fleet import made_fleet

CALLS_PER_SECOND = 1000  # the simulator is nobody else's


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
        home.demo.write_text(simulator.url)
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
        yield settings.model_copy(update={"sources": sources, "calls_per_second": CALLS_PER_SECOND, "cloudwatch": True})
