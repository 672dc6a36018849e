"""The last step of a run: where a source failed, it fails, and so the run. Not here: what failed."""

import dagster as dg

from pipelines.assets.dashboard import DASHBOARD_KEY
from pipelines.assets.raw import RAW
from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.harvest.outcome import HARVEST, kept_outcomes, told


class SourceFailedError(TrainyardError):
    """A source failed in a run that did all else."""


@dg.asset_check(
    asset=RAW,
    additional_deps=[DASHBOARD_KEY],
    description="Fails the run where a source failed, once all else of it is done: what the others gave is published.",
)
def run_is_whole(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    """Raises SourceFailedError if a source failed in the last harvest, which is this run's."""
    kept = kept_outcomes(settings.home, HARVEST)
    failed = [told(outcome) for outcome in kept.outcomes if outcome.error] if kept else []
    if failed:
        raise SourceFailedError("; ".join(failed))
    return dg.AssetCheckResult(passed=True)
