"""The assets of what CloudWatch measured, all brought up to date by one step. Not here: asking it, or keeping it."""

from collections.abc import Iterator

import dagster as dg

from pipelines.assets import metadata
from pipelines.assets.lake import lake_key
from pipelines.cloudwatch import store
from pipelines.cloudwatch.collect import collect
from pipelines.cloudwatch.due import forgotten_jobs
from pipelines.cloudwatch.tables import HARDWARE_METRICS, METRIC_TABLES
from pipelines.cloudwatch.windows import KEPT_SECONDS
from pipelines.config import Settings
from pipelines.flatten.layout import main_table
from pipelines.harvest.outcome import told
from pipelines.home import Home
from pipelines.progress import Log

CHECK = "every_cloudwatch_asked"


@dg.multi_asset(
    name="cloudwatch_metrics",
    specs=[
        dg.AssetSpec(
            lake_key(table.name),
            deps=[lake_key(main_table().name)],
            group_name="cloudwatch",
            kinds={"cloudwatch", "parquet"},
            description=table.comment,
            metadata=metadata.of_table(table),
        )
        for table in METRIC_TABLES
    ],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=lake_key(HARDWARE_METRICS.name),
            description="Every source's CloudWatch was asked to the end, where the setting `cloudwatch` says so. Of one"
            " that was not, what it still keeps is asked for the next time.",
        )
    ],
    pool="sagemaker",
)
def cloudwatch_metrics(
    settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Ask for what is not held; a source that fails is reported, and stops nothing else. Nothing unless set."""
    home, failures = Home(settings.home), {}
    if settings.cloudwatch:
        with home.writing():
            outcomes = collect(settings)
        for outcome in outcomes:
            log(told(outcome, "measurements"))
        if forgotten := forgotten_jobs(home):
            days = max(KEPT_SECONDS.values()) // (24 * 3600)
            log(f"of {forgotten:,} jobs nothing was asked: CloudWatch forgets what ended {days} days ago")
        failures = {outcome.source: outcome.error for outcome in outcomes if outcome.error}
    held = store.held(home)
    for table in METRIC_TABLES:
        yield dg.MaterializeResult(asset_key=lake_key(table.name), metadata=metadata.of_rows(held.rows(table.name)))
    yield dg.AssetCheckResult(
        asset_key=lake_key(HARDWARE_METRICS.name),
        check_name=CHECK,
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=failures,
    )
