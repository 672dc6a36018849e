"""Running the main job, or a part of it, in this process, as the command does.

Here: which assets each part is, and what failed. Not here: the assets, and what is shown of progress.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from textwrap import shorten

import dagster as dg
import duckdb

from pipelines.assets.run_is_whole import SourceFailedError
from pipelines.config import Settings
from pipelines.definitions import build_defs
from pipelines.errors import TrainyardError
from pipelines.home import Home
from pipelines.lake.damage import explained
from pipelines.models.publication import forget_notes
from pipelines.progress import Log


class Part(Enum):
    """The asset groups that a command makes."""

    ALL = ("raw", "lake", "cloudwatch", "reference", "build", "staging", "marts", "published")
    FROM_RAW = ("lake", "build", "staging", "marts", "published")
    FROM_LAKE = ("build", "staging", "marts", "published")


@dataclass(frozen=True)
class Finding:
    """A check that failed without stopping anything: in one line, and whether it means that the run failed."""

    text: str
    is_failure: bool


def refresh(settings: Settings, part: Part, log: Log, *, from_scratch: bool = False) -> list[Finding]:
    """Make the assets of a part; return what checks found that did not stop them.

    No other process writes meanwhile. Raises TrainyardError where one does already, or a check forbids to publish, and
    whatever a step raises.
    """
    defs = build_defs(settings, log)
    selection = dg.AssetSelection.groups(*part.value).resolve(defs.resolve_asset_graph())
    config: dict[str, object] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    if from_scratch:
        config["ops"] = {"lake": {"config": {"from_scratch": True}}}
    home = Home(settings.home)
    run_id = str(uuid.uuid4())
    with _instance() as instance, home.writing(wait_seconds=0):
        if part is Part.FROM_LAKE or from_scratch:  # this is to mend a published file that is damaged, too
            forget_notes(home.builds)
        try:
            defs.resolve_job_def("refresh").execute_in_process(
                run_config=config, instance=instance, asset_selection=list(selection), run_id=run_id
            )
        except SourceFailedError:
            pass  # it is among what the checks found
        except dg.DagsterError as error:
            forbidding = [found for found in _failed(instance, run_id) if found.blocking]
            told = "; ".join(map(_told, forbidding)) or f"not published: {error}"
            raise TrainyardError(told) from None
        except duckdb.Error as error:
            raise explained(error, home) or error from None
        return [_finding(evaluation) for evaluation in _failed(instance, run_id)]


def _instance() -> dg.DagsterInstance:
    """Where runs are kept so that Dagster's pages find them, if there are any; nothing of Trainyard's depends on it."""
    if not os.environ.get("DAGSTER_HOME"):
        return dg.DagsterInstance.ephemeral()
    try:
        return dg.DagsterInstance.get()
    except Exception as error:  # of as many kinds as there are mistakes to make in its file
        told = shorten(str(error), 300, placeholder=" …")
        file = Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml"
        if file.exists():
            raise TrainyardError(f"{file}: {told}: correct it, or unset DAGSTER_HOME") from None
        raise TrainyardError(f"{told}: correct or unset DAGSTER_HOME") from None


def _failed(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """What checks found in a run that is not as it should be."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    evaluations = [event.get_dagster_event().asset_check_evaluation_data for event in events]
    return [evaluation for evaluation in evaluations if not evaluation.passed]


def _told(forbidding: dg.AssetCheckEvaluation) -> str:
    """Which check of a model forbids to publish, one of the rows for which it does not hold, and what to do."""
    names, _, row, *_ = str(forbidding.metadata["sample"].value).splitlines()
    table = ".".join(forbidding.asset_key.path)
    return (
        f"{table} fails its check {forbidding.check_name} for {forbidding.metadata['violations'].value} of its rows,"
        f" such as {shorten(row, 200, placeholder=' …')} (columns: {shorten(names, 200, placeholder=' …')})."
        f" {forbidding.description}"
    )


def _finding(evaluation: dg.AssetCheckEvaluation) -> Finding:
    found = "; ".join(f"{name}: {value.value}" for name, value in evaluation.metadata.items())
    return Finding(
        f"check {evaluation.check_name} failed: {found}",
        evaluation.severity is dg.AssetCheckSeverity.ERROR,
    )
