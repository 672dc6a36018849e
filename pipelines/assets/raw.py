"""The asset `raw/training_job_documents`: every document that the sources gave. Not here: speaking to AWS."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict

import dagster as dg

from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.harvest.harvest import harvest
from pipelines.harvest.outcome import Outcome, told
from pipelines.home import Home
from pipelines.progress import Log, by_source
from pipelines.reread import reread

RAW = dg.AssetKey(["raw", "training_job_documents"])


@dg.asset(
    key=RAW,
    group_name="raw",
    kinds={"sagemaker"},
    description="Training job documents as each source's `Search` returned them (secrets redacted), append-only.",
    check_specs=[
        dg.AssetCheckSpec(
            "every_source_harvested",
            asset=RAW,
            description="Every source was harvested to its end. One that was not keeps its last good rows; its reason"
            " says what to correct, and the next run goes on where this one stopped.",
        ),
        dg.AssetCheckSpec(
            "every_call_allowed",
            asset=RAW,
            description="Every source allowed all calls. Where it did not, a dearer way or a gap made up for it, or"
            " jobs that events named were not read: allow the call (`docs/iam-policy.json` has all), or leave it so.",
        ),
    ],
    pool="sagemaker",
)
def training_job_documents(
    settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Harvest every source; one that fails is reported and does not stop the others.

    Raises TrainyardError where none gave anything: there is nothing new to go on with then.
    """
    with Home(settings.home).writing():
        reread_outcomes = reread(settings, by_source(log))
        for outcome in reread_outcomes:
            log(f"named by events: {told(outcome)}")
        outcomes = harvest(settings, by_source(log))
    check = _every_source_harvested(outcomes)
    if all(outcome.error for outcome in outcomes) and not any(outcome.documents for outcome in outcomes):
        yield check
        raise TrainyardError(f"nothing was harvested: {'; '.join(map(told, outcomes))}")
    for outcome in outcomes:
        log(told(outcome))
    yield dg.MaterializeResult(
        metadata={
            "documents": sum(outcome.documents for outcome in outcomes),
            "calls": sum(outcome.calls for outcome in outcomes),
            "sources": dg.MetadataValue.json({outcome.source: asdict(outcome) for outcome in outcomes}),
        },
        check_results=[check, _every_call_allowed(outcomes, reread_outcomes)],
    )


def _every_source_harvested(outcomes: list[Outcome]) -> dg.AssetCheckResult:
    failures = {outcome.source: outcome.error for outcome in outcomes if outcome.error}
    return dg.AssetCheckResult(
        asset_key=RAW, check_name="every_source_harvested", passed=not failures, metadata=failures
    )


def _every_call_allowed(outcomes: list[Outcome], reread_outcomes: list[Outcome]) -> dg.AssetCheckResult:
    told_of: dict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        told_of[outcome.source] += outcome.warnings
    for outcome in reread_outcomes:
        if outcome.error:
            told_of[outcome.source].append(f"jobs that events named were not read: {outcome.error}")
    warnings = {source: "; ".join(lines) for source, lines in told_of.items() if lines}
    return dg.AssetCheckResult(
        asset_key=RAW,
        check_name="every_call_allowed",
        passed=not warnings,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=warnings,
    )
