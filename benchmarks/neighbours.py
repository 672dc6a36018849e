"""Calls that asking for prices and quotas takes, beside as few as pages of a hundred allow.

    python -m benchmarks.neighbours

A run of the demo's accounts and regions on a first day, again on that day, and on the next one. The simulated services
tell a price of every instance type and use, and quotas of six uses: AWS has more quotas, and so more pages. The result
is printed, and kept in ``results/neighbours.json``. Not here: calls to SageMaker (``calls``).
"""

from __future__ import annotations

import json
import tempfile
from math import ceil
from pathlib import Path

import msgspec

from pipelines.config import Settings
from pipelines.demo import demo_settings
from pipelines.fetched.fetch import Service, fetch
from pipelines.fetched.history import read_looks, read_rows, write_looks
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.price_list import KINDS, PRICE_LIST
from pipelines.service_quotas import SERVICE_QUOTAS
from pipelines.simulator.price_list import MOST_RESULTS, made_products
from pipelines.simulator.service_quotas import OTHERS

RESULTS = Path(__file__).parent / "results" / "neighbours.json"
DAY_SECONDS = 24 * 3600
TYPES = len({item["product"]["attributes"]["instanceName"] for item in made_products("us-east-1", "2026-01-01")})
# Pages that asking about one place cannot do without.
LEAST_CALLS = {
    PRICE_LIST.name: len(KINDS) * ceil(TYPES / MOST_RESULTS),
    SERVICE_QUOTAS.name: ceil(((3 + len(OTHERS)) * TYPES + 2) / MOST_RESULTS),
}


def asked(settings: Settings, service: Service) -> dict[str, int]:
    """What a run asks a service, and the rows that are held then."""
    outcomes = fetch(settings, service)
    return {
        "places": len(outcomes),
        "calls": sum(outcome.calls for outcome in outcomes),
        "least_calls": LEAST_CALLS[service.name] * len(outcomes),
        "rows_held": len(read_rows(Home(settings.home).fetched, service.table)),
    }


def measure() -> dict[str, dict[str, int]]:
    """Every line, by its name."""
    lines = {}
    with tempfile.TemporaryDirectory() as folder, demo_settings(Settings(home=Path(folder) / "home")) as settings:
        home = Home(settings.home)
        harvest(settings)
        load(home)
        for service in (PRICE_LIST, SERVICE_QUOTAS):
            lines[f"{service.name}, first day"] = asked(settings, service)
            lines[f"{service.name}, again on that day"] = asked(settings, service)
            looks = read_looks(home.fetched, service.table).items()
            before = {
                place: msgspec.structs.replace(look, asked_at=look.asked_at - DAY_SECONDS) for place, look in looks
            }
            write_looks(home.fetched, service.table, before)
            lines[f"{service.name}, next day"] = asked(settings, service)
    return lines


def main() -> None:
    """Measure, print, keep."""
    text = json.dumps(measure(), indent=2)
    RESULTS.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
