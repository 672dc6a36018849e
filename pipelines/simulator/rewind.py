"""What a training job's document was at an earlier instant, told from its final document.

Pure: a document and an instant in, a document out. Not here: a clock, or many documents (``view``).

The final document stands from its LastModifiedTime on, whatever else it says; without one, from the newest instant in
it. Before, each fact appears at its own instant, what comes with the end appears when a terminal status starts, and
LastModifiedTime is the newest instant told so far. So it grows whenever the document changes: what a harvest relies on.
"""

from __future__ import annotations

from typing import Any

from pipelines.simulator.fleet import Document

# Of the secondary statuses whose primary is not InProgress.
PRIMARY_STATUSES = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
    "Stopping": "Stopping",
}
KNOWN_AT_END = (
    "BillableTimeInSeconds",
    "BillableTokenCount",
    "FailureReason",
    "FinalMetricDataList",
    "ModelArtifacts",
    "OutputModelPackageArn",
    "ProgressInfo",
    "TrainingEndTime",
)
RULE_EVALUATIONS = ("DebugRuleEvaluationStatuses", "ProfilerRuleEvaluationStatuses")


def rewind(document: Document, now: float) -> Document | None:
    """The document as it was at ``now`` (epoch seconds); None before its CreationTime.

    The final document itself is returned from ``final_instant`` on, and always where it has no CreationTime.
    """
    created = _number(document.get("CreationTime"))
    if created is not None and now < created:
        return None
    if created is None or now >= final_instant(document):
        return document

    past = dict(document)
    told = [created]

    transitions = _transitions_until(document, now)
    told += [instant for entry in transitions for instant in _instants(entry, "StartTime", "EndTime")]
    if "SecondaryStatusTransitions" in past:
        past["SecondaryStatusTransitions"] = transitions

    started = _number(document.get("TrainingStartTime"))
    if started is not None and started <= now:
        told.append(started)
    else:
        started = None
        past.pop("TrainingStartTime", None)

    status = _status(transitions, is_started=started is not None)
    ended = _is_terminal(status)
    if "SecondaryStatus" in past:
        past["SecondaryStatus"] = status
    if "TrainingJobStatus" in past:
        past["TrainingJobStatus"] = PRIMARY_STATUSES.get(status, "InProgress")
    if past.get("WarmPoolStatus"):
        past["WarmPoolStatus"] = {"Status": "Available" if ended else "InUse"}

    if ended:
        told += _keep_known_of_end(past, now)
    else:
        for name in KNOWN_AT_END:
            past.pop(name, None)

    for name in RULE_EVALUATIONS:
        if name in past:
            past[name] = [_evaluation_at(entry, created, now) for entry in _entries(document, name)]
            told += [instant for entry in past[name] for instant in _instants(entry, "LastModifiedTime")]

    if _number(past.get("LastModifiedTime")) is not None:
        past["LastModifiedTime"] = max(told)
    training_seconds = _number(past.get("TrainingTimeInSeconds"))
    if training_seconds is not None and started is None:
        del past["TrainingTimeInSeconds"]
    elif training_seconds is not None and started is not None and not ended:
        past["TrainingTimeInSeconds"] = min(training_seconds, int(max(told) - started))
    return past


def final_instant(document: Document) -> float:
    """Epoch seconds from which the document is as it is given."""
    if _number(document.get("LastModifiedTime")) is None:
        return newest_instant(document)
    return max(_instants(document, "CreationTime", "LastModifiedTime"))


def newest_instant(document: Document) -> float:
    """The latest instant that the document speaks of, in epoch seconds; minus infinity where it has none."""
    instants = _instants(document, "CreationTime", "TrainingStartTime", "TrainingEndTime", "LastModifiedTime")
    for entry in _entries(document, "SecondaryStatusTransitions"):
        instants += _instants(entry, "StartTime", "EndTime")
    for entry in _entries(document, "FinalMetricDataList"):
        instants += _instants(entry, "Timestamp")
    for name in RULE_EVALUATIONS:
        for entry in _entries(document, name):
            instants += _instants(entry, "LastModifiedTime")
    return max(instants, default=float("-inf"))


def _transitions_until(document: Document, now: float) -> list[Document]:
    """The transitions that have started; the one that is going on, and any that ends later, without EndTime."""
    started = [entry for entry in _entries(document, "SecondaryStatusTransitions") if _start(entry) <= now]
    current = _newest(started) if started else None

    def is_open(entry: Document) -> bool:
        going_on = entry is current and not _is_terminal(entry.get("Status", ""))
        return going_on or any(end > now for end in _instants(entry, "EndTime"))

    return [_without_end(entry) if is_open(entry) else entry for entry in started]


def _keep_known_of_end(past: Document, now: float) -> list[float]:
    """Take from an ended job what is dated later than ``now``; the instants of what is left."""
    if any(end > now for end in _instants(past, "TrainingEndTime")):
        del past["TrainingEndTime"]
    metrics = [
        metric
        for metric in _entries(past, "FinalMetricDataList")
        if all(instant <= now for instant in _instants(metric, "Timestamp"))
    ]
    if "FinalMetricDataList" in past:
        past["FinalMetricDataList"] = metrics
    told = [instant for metric in metrics for instant in _instants(metric, "Timestamp")]
    return told + _instants(past, "TrainingEndTime")


def _newest(transitions: list[Document]) -> Document:
    """The transition that started last; of those that started at the same instant, the last in the list."""
    return max(reversed(transitions), key=_start)


def _status(transitions: list[Document], is_started: bool) -> str:
    """The secondary status; that of a job without transitions is told from whether its training has started."""
    if transitions:
        return str(_newest(transitions).get("Status", ""))
    return "Training" if is_started else "Starting"


def _is_terminal(status: str) -> bool:
    return PRIMARY_STATUSES.get(status, "InProgress") not in ("InProgress", "Stopping")


def _without_end(transition: Document) -> Document:
    return {name: value for name, value in transition.items() if name != "EndTime"}


def _evaluation_at(evaluation: Document, created: float, now: float) -> Document:
    """A rule evaluation: in progress since the job's creation, until the instant of its outcome."""
    known = _number(evaluation.get("LastModifiedTime"))
    if known is not None and known <= now:
        return evaluation
    return {
        "RuleConfigurationName": evaluation.get("RuleConfigurationName"),
        "RuleEvaluationStatus": "InProgress",
        "LastModifiedTime": created,
    }


def _start(transition: Document) -> float:
    start = _number(transition.get("StartTime"))
    return float("-inf") if start is None else start


def _instants(holder: Document, *names: str) -> list[float]:
    return [instant for name in names if (instant := _number(holder.get(name))) is not None]


def _entries(document: Document, name: str) -> list[Document]:
    """The structures of a list; none where it is absent or malformed, for a fleet may hold faulty documents."""
    entries = document.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None
