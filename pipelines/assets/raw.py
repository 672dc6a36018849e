"""The asset `raw/training_job_documents`: every document that the sources gave. Not here: speaking to AWS."""

from collections.abc import Iterator

import dagster as dg

from pipelines.assets.metadata import OWNERS
from pipelines.assets.resources import Log
from pipelines.config import Settings
from pipelines.harvest.harvest import harvest
from pipelines.home import Home

RAW = dg.AssetKey(["raw", "training_job_documents"])


@dg.asset(
    key=RAW,
    group_name="raw",
    kinds={"sagemaker"},
    owners=OWNERS,
    description="Training job documents as each source's `Search` returned them (secrets redacted), append-only.",
    check_specs=[
        dg.AssetCheckSpec(
            "every_source_harvested",
            asset=RAW,
            description="Every source was harvested to its end. One that was not keeps its last good rows.",
        ),
        dg.AssetCheckSpec(
            "every_call_allowed",
            asset=RAW,
            description="Every source allowed all calls. Where it did not, a dearer way or a gap made up for it.",
        ),
    ],
    pool="sagemaker",
)
def training_job_documents(
    settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]
) -> Iterator[dg.MaterializeResult[None]]:
    """Harvest every source; one that fails is reported and does not stop the others."""

    def report(source: str, documents: int) -> None:
        log(f"{source}: {documents:,} new documents")

    with Home(settings.home).writing():
        outcomes = harvest(settings, report)
    failures = {outcome.source: outcome.error for outcome in outcomes if outcome.error}
    warnings = {outcome.source: "; ".join(outcome.warnings) for outcome in outcomes if outcome.warnings}
    yield dg.MaterializeResult(
        metadata={
            "documents": sum(outcome.documents for outcome in outcomes),
            "calls": sum(outcome.calls for outcome in outcomes),
            "sources": dg.MetadataValue.json(
                {o.source: {"documents": o.documents, "calls": o.calls, "error": o.error} for o in outcomes}
            ),
        },
        check_results=[
            dg.AssetCheckResult(check_name="every_source_harvested", passed=not failures, metadata=failures),
            dg.AssetCheckResult(
                check_name="every_call_allowed",
                passed=not warnings,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=warnings,
            ),
        ],
    )
