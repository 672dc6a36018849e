"""Bringing what is held of CloudWatch up to date, for all sources.

Here: going through the jobs of a source, and what is kept when. Not here: which these are (``due``), which windows
(``windows``), what is asked in a call (``batches``), and where it is kept (``store``).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.cloudwatch import store
from pipelines.cloudwatch.batches import Need, Series, batches
from pipelines.cloudwatch.due import Job, jobs_due
from pipelines.cloudwatch.metric_data import Points, connect, measured
from pipelines.cloudwatch.tables import ALGORITHM_METRICS, HARDWARE_METRICS, METRIC_WINDOWS
from pipelines.cloudwatch.windows import MARGIN_SECONDS, Window, earliest, windows_due
from pipelines.config import Settings
from pipelines.harvest.archive import last_look
from pipelines.harvest.calls import Calls
from pipelines.harvest.outcome import CLOUDWATCH, FAILURES, Outcome, keep_outcomes
from pipelines.harvest.side_by_side import side_by_side
from pipelines.harvest.sources import Source, find_sources
from pipelines.home import Home

# After so many points they are kept, so that a process that dies loses no more.
POINTS_A_COMMIT = 500_000
# So many of a job are asked for in a run, from the earliest on, for they are kept together; the next run goes on.
POINTS_OF_A_JOB = 2_000_000


def collect(settings: Settings) -> list[Outcome]:
    """Ask each source's CloudWatch for what is not held; gives the outcome of each, and keeps them.

    A source that fails says so in its outcome and keeps what it has; the others go on. To be called by the writer.
    """
    home, one_at_a_time = Home(settings.home), threading.Lock()

    def work_on(source: Source, on_points: Callable[[int], None]) -> Collection:
        return Collection(home, source, one_at_a_time, on_points)

    # What cannot be a source was told of by the harvest.
    sources = [source for source in find_sources(settings) if isinstance(source, Source)]
    outcomes = side_by_side(sources, work_on)
    keep_outcomes(settings.home, CLOUDWATCH, outcomes, time.time())
    return outcomes


class Collection:
    """What is brought of one source; ``documents`` are points that were kept, ``batches`` times that some were.

    ``on_points`` is called after each call with the number of these so far; what it raises ends the collection.
    """

    def __init__(
        self, home: Home, source: Source, one_at_a_time: threading.Lock, on_points: Callable[[int], None]
    ) -> None:
        self.documents = 0
        self.batches = 0
        self.warnings = ()
        self._home = home
        self._source = source
        self._one_at_a_time = one_at_a_time
        self._on_points = on_points
        self._calls: Calls | None = None
        self._open: dict[Job, int] = {}  # how many of its series are not there yet
        self._answers: dict[Job, list[_Answer]] = {}
        self._points = 0  # in these

    @property
    def calls(self) -> int:
        """Calls made, those that failed too."""
        return self._calls.made.total() if self._calls else 0

    def run(self) -> None:
        """Ask for what is not held, and keep it; nothing where the source was never seen whole.

        Raises botocore's errors, and TrainyardError. What was kept before an error stays.
        """
        self._calls = connect(self._source)
        now = last_look(self._home.root, self._source.name)
        try:
            while now is not None:
                now = self._ask_as_of(self._calls, now)
        except FAILURES:
            self._keep()
            raise

    def _ask_as_of(self, calls: Calls, now: float) -> float | None:
        """Ask for what is due at an instant; gives a later one, by CloudWatch's clock, where that was long ago."""
        source = self._source
        for jobs in jobs_due(self._home, source.name, source.account_id, source.region, now):
            needs = [Need(job, window) for job in jobs for window in _windows(job, now)]
            self._open = Counter()
            for need in needs:
                self._open[need.job] += len(need.series())
            self._answers, self._points = {}, 0
            for batch in batches(needs):
                points, answered_at = measured(calls, batch)
                if answered_at > now + MARGIN_SECONDS / 2:
                    self._keep()
                    return answered_at
                self._take(
                    _Answer(series, answered_at, of_series) for series, of_series in zip(batch, points, strict=True)
                )
                if self._points >= POINTS_A_COMMIT:
                    self._keep()
                self._on_points(self.documents)
            self._keep()
        return None

    def _take(self, answers: Iterable[_Answer]) -> None:
        for answer in answers:
            job = answer.series.need.job
            self._answers.setdefault(job, []).append(answer)
            self._open[job] -= 1
            self._points += len(answer.points[0])

    def _keep(self) -> None:
        """Keep what is there of jobs of which all is: what is held of a job has no gaps."""
        whole = [answer for job in list(self._answers) if not self._open[job] for answer in self._answers.pop(job)]
        self._points = 0
        if whole:
            with self._one_at_a_time:
                store.add(self._home, _rows(whole))
            self.batches += 1
            self.documents += sum(len(answer.points[0]) for answer in whole)


def _windows(job: Job, now: float) -> list[Window]:
    """The windows of a job to ask for in this run."""
    due = windows_due(job.started_at, job.ended_at, job.held_until, now)
    return earliest(due, POINTS_OF_A_JOB // len(Need(job, due[0]).series())) if due else []


class _Answer(NamedTuple):
    series: Series
    answered_at: float
    points: list[Points]  # of each statistic


def _rows(answers: list[_Answer]) -> dict[str, pa.Table]:
    """The rows of each table."""
    needs = {answer.series.need: answer.answered_at for answer in answers}
    hardware = [answer for answer in answers if answer.series.host]
    algorithm = [answer for answer in answers if not answer.series.host]
    windows = [need.window for need in needs]
    return {
        HARDWARE_METRICS.name: pa.table(
            _columns_of_points(hardware)
            | {
                "host": _repeated(hardware, lambda answer: answer.series.host),
                "maximum": pa.array(
                    [
                        answer.points[-1].get(start) if len(answer.points) > 1 else None
                        for answer in hardware
                        for start in answer.points[0]
                    ],
                    pa.float64(),
                ),
            }
        ),
        ALGORITHM_METRICS.name: pa.table(_columns_of_points(algorithm)),
        METRIC_WINDOWS.name: pa.table(
            _keys([need.job for need in needs])
            | {
                "window_start": _instants(window.start for window in windows),
                "window_end": _instants(window.end for window in windows),
                "period_seconds": pa.array([window.period_seconds for window in windows], pa.int64()),
                "hosts": pa.array([need.job.hosts for need in needs], pa.int64()),
                "asked_at": _instants(needs.values()),
            }
        ),
    }


def _columns_of_points(answers: list[_Answer]) -> dict[str, pa.Array[Any]]:
    """The columns that both tables of points have, a row for each point."""
    return _keys([answer.series.need.job for answer in answers for _ in answer.points[0]]) | {
        "metric_name": _repeated(answers, lambda answer: answer.series.metric_name),
        "period_start": _instants(start for answer in answers for start in answer.points[0]),
        "period_seconds": _repeated(answers, lambda answer: answer.series.need.window.period_seconds),
        "value": pa.array([value for answer in answers for value in answer.points[0].values()], pa.float64()),
    }


def _keys(jobs: list[Job]) -> dict[str, pa.Array[Any]]:
    return {
        "account_id": pa.array([job.account_id for job in jobs], pa.string()),
        "region": pa.array([job.region for job in jobs], pa.string()),
        "month": pa.array([job.month for job in jobs], pa.string()),
        "training_job_arn": pa.array([job.arn for job in jobs], pa.string()),
    }


def _repeated(answers: list[_Answer], value: Callable[[_Answer], Any]) -> pa.Array[Any]:
    """What is the same for all points of an answer."""
    values = [(value(answer), len(answer.points[0])) for answer in answers]
    repeated: pa.Array[Any] = pa.array([each for each, points in values for _ in range(points)])
    return repeated


def _instants(seconds: Iterable[float]) -> pa.Array[Any]:
    return pa.array([round(each * 1e6) for each in seconds], pa.timestamp("us"))
