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

    ``unsaid_end``: where the last visit ends if it does not say so, None for at once. If the job ``is_open``, that is
    how long it was seen, and whatever is told of it ends there.
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
        else:
            end = starts[position + 1]
        if not is_last and end > starts[position + 1]:
            visit.overlap = end - starts[position + 1]
            end = starts[position + 1]
        reached = visit.end = max(end, start)
        if status in ("Interrupted", "Restarting"):
            attempt += 1
    return seen_until(unsaid_end, visits) if is_open else visits


def seen_until(instant, visits):
    """The visits of an open job: the last of them is open, and is a hole if the others end before ``instant``."""
    last = visits[-1]
    if last.end < instant:
        attempt = last.attempt + (last.phase == "interruption")
        visits.append(Visit("Unattributed", last.end, instant, attempt, is_derived=last.is_derived))
    last.end = max(last.start, min(last.end, instant))
    visits[-1].is_open = True
    return visits


def ends_too_early(visit, unsaid_end, is_open):
    """Whether the job's end was told to be before the start of its last visit, which is no mere mark of the end."""
    return not is_open and unsaid_end is not None and unsaid_end < visit.start and visit.phase != "terminal"


def derived_visits(created, started, ended, unsaid_end, is_open):
    """Visits of a job without transitions, from its own times, of which ``started`` and ``ended`` are None if unknown.

    The other arguments as above.
    """
    first = Visit("Starting", created, created, is_derived=True)
    visits = [first]
    if started is not None:
        first.end = max(started, created)
        visits.append(Visit("Training", first.end, first.end, is_derived=True))
    last = visits[-1]
    if not is_open:
        last.is_negative = ends_too_early(last, unsaid_end, is_open)
        last.end = max(last.start, last.start if unsaid_end is None else unsaid_end)
        return visits
    last.is_negative = ended is not None and ended < (created if started is None else started)
    last.end = max(last.start, unsaid_end if ended is None else ended)
    return seen_until(unsaid_end, visits)
