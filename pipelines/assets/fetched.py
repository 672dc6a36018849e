"""The assets `reference/prices` and `reference/quotas`, where the settings have AWS asked for them.

Not here: asking, and what each service tells.
"""

from collections.abc import Iterator
from dataclasses import asdict

import dagster as dg

from pipelines.assets import metadata
from pipelines.assets.lake import lake_key
from pipelines.config import Settings
from pipelines.fetched.fetch import Service, fetch
from pipelines.fetched.history import read_rows
from pipelines.flatten.layout import main_table
from pipelines.home import Home
from pipelines.price_list import PRICE_LIST
from pipelines.progress import Log
from pipelines.service_quotas import SERVICE_QUOTAS


def fetched_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each service that is switched on."""
    switches = ((PRICE_LIST, settings.price_list), (SERVICE_QUOTAS, settings.service_quotas))
    return [_fetched_asset(service) for service, is_on in switches if is_on]


def _fetched_asset(service: Service) -> dg.AssetsDefinition:
    table = service.table.table
    key = dg.AssetKey([table.schema, table.name])

    @dg.asset(
        key=key,
        deps=[lake_key(main_table().name)],  # whose accounts and regions are asked about
        group_name=table.schema,
        kinds={"csv"},
        description=f"{table.comment} As AWS told; the user's own rows are not among them.",
        metadata=metadata.of_table(table),
        check_specs=[
            dg.AssetCheckSpec(
                "every_place_told",
                asset=key,
                description="AWS told them, and clearly. Where it did not, the rows of before hold, and the next run"
                " asks again: allow the call (`docs/iam-policy.json` has all), or bring rows of your own.",
            )
        ],
    )
    def fetched(
        settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]
    ) -> Iterator[dg.MaterializeResult[None]]:
        home = Home(settings.home)
        with home.writing():
            outcomes = fetch(settings, service)
            rows = read_rows(home.fetched, service.table)
        problems: dict[str, str] = {}
        for outcome in outcomes:
            log(f"{service.name}: {outcome.source}: {outcome.documents:,} rows told with {outcome.calls:,} calls")
            if lines := [*filter(None, [outcome.error]), *outcome.warnings]:
                problems[outcome.source] = "; ".join(lines)
        check = dg.AssetCheckResult(passed=not problems, severity=dg.AssetCheckSeverity.WARN, metadata={**problems})
        told = {"sources": dg.MetadataValue.json({outcome.source: asdict(outcome) for outcome in outcomes})}
        yield dg.MaterializeResult(metadata=metadata.of_rows(len(rows), **told), check_results=[check])

    return fetched
