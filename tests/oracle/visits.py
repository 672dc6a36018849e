"""A job's cleaned visits of its secondary statuses. What a job is beside them is in jobs.py."""

from dataclasses import dataclass

from tests.oracle.intervals import microseconds

PHASES = {
    "queue": ("Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"),
    "setup": ("Downloading", "DownloadingTrainingImage"),
    "run": ("Training",),
    "save": ("Uploading",),
    "interruption": ("Interrupted", "Restarting"),
    "teardown": ("Stopping",),
    "update": ("Updating",),
    "terminal": ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"),
}


@dataclass
class Visit:
    status: str | None
    start: int
    end: int
    attempt: int = 1
    overlap: int = 0
    is_negative: bool = False
    is_open: bool = False
    is_derived: bool = False

    @property
    def length(self):
        return self.end - self.start

    @property
    def phase(self):
        return next((phase for phase, statuses in PHASES.items() if self.status in statuses), "unknown")


def told_transitions(document, horizon):
    """The transitions that say when they started, in order, as (StartTime, EndTime or None, Status or None).

    What they tell of instants after ``horizon`` is taken as not said.
    """
    told = []
    for entry in document.get("SecondaryStatusTransitions") or []:
        start, end = microseconds(entry.get("StartTime")), microseconds(entry.get("EndTime"))
        if start is not None and start <= horizon:
            told.append((start, None if end is None or end > horizon else end, entry.get("Status")))
    # Sorting is stable: of those that start together, the first in the document comes first.
    return sorted(told, key=lambda entry: entry[0])


def told_visits(transitions, created, unsaid_end, is_open):
    """Visits of ``transitions``, holes included.

    ``unsaid_end``: where the last visit ends if it does not say so, None for at once; ``is_open``: if it is open then.
    """
    starts = [max(start, created) for start, _, _ in transitions]
    visits = []
    attempt = 1
    reached = created
    for position, (told_start, told_end, status) in enumerate(transitions):
        is_last = position == len(transitions) - 1
        start = starts[position]
        if reached < start:
            visits.append(Visit("Unattributed", reached, start, attempt))
        visit = Visit(status, start, start, attempt)
        visits.append(visit)
        visit.is_negative = told_end is not None and told_end < told_start
        if told_end is None and is_last and ends_too_early(visit, unsaid_end, is_open):
            visit.is_negative = True
        if told_end is not None:
            end = told_end
        elif is_last:
            end = start if unsaid_end is None else unsaid_end
            visit.is_open = is_open
        else:
            end = starts[position + 1]
        if not is_last and end > starts[position + 1]:
            visit.overlap = end - starts[position + 1]
            end = starts[position + 1]
        reached = visit.end = max(end, start)
        if status in ("Interrupted", "Restarting"):
            attempt += 1
    return visits


def ends_too_early(visit, unsaid_end, is_open):
    """Whether the job's end was told to be before the start of its last visit, which is no mere mark of the end."""
    return not is_open and unsaid_end is not None and unsaid_end < visit.start and visit.phase != "terminal"


def derived_visits(created, started, unsaid_end, is_open):
    """Visits of a job without transitions, from its own times; arguments as above, ``started`` None if unknown."""
    if started is None:
        end = max(created, created if unsaid_end is None else unsaid_end)
        visit = Visit("Starting", created, end, is_open=is_open, is_derived=True)
        visit.is_negative = ends_too_early(visit, unsaid_end, is_open)
        return [visit]
    start = max(started, created)
    end = max(start, start if unsaid_end is None else unsaid_end)
    training = Visit("Training", start, end, is_open=is_open, is_derived=True)
    training.is_negative = ends_too_early(training, unsaid_end, is_open)
    return [Visit("Starting", created, start, is_derived=True), training]
