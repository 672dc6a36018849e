"""Which metrics are asked for in one call: as many as the limits of GetMetricData allow.

All metrics of a call share its window of time, so jobs that ran at about the same time go together. Pure. Not here:
making the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.cloudwatch.due import Job
from pipelines.cloudwatch.windows import Window

NAMESPACE = "/aws/sagemaker/TrainingJobs"
CPU_METRICS = ("CPUUtilization", "MemoryUtilization", "DiskUtilization")
GPU_METRICS = ("GPUUtilization", "GPUMemoryUtilization")

QUERIES_A_CALL = 500
# What an answer holds at most; the rest is on further pages, each a call.
POINTS_A_PAGE = 100_800
# Periods that may be asked for in a second, measured or not: a call of more would never pass.
PERIODS_A_SECOND = 396_000
# What a call's queries may span. The rest of the second is left to others of the account.
SPAN_OF_A_CALL = PERIODS_A_SECOND * 95 // 100


class Need(NamedTuple):
    """A job, and a window of it in which all its metrics are needed."""

    job: Job
    window: Window

    def series(self) -> list[Series]:
        """What is needed, one for each host and metric of the hardware, and each metric of the algorithm."""
        names = CPU_METRICS + GPU_METRICS if self.job.may_have_gpus else CPU_METRICS
        hosts = (f"algo-{number}" for number in range(1, self.job.hosts + 1))
        of_hardware = [Series(self, host, name) for host in hosts for name in names]
        return of_hardware + [Series(self, None, name) for name in self.job.metrics]


class Series(NamedTuple):
    """The points of one metric in the window of a need; ``host`` is None for one of the algorithm."""

    need: Need
    host: str | None
    metric_name: str

    @property
    def statistics(self) -> tuple[str, ...]:
        """What is asked of each period, a query each. In a minute the hardware is measured once."""
        if self.host is None or self.need.window.period_seconds == 60:
            return ("Average",)
        return ("Average", "Maximum")

    @property
    def dimension(self) -> dict[str, str]:
        """What CloudWatch knows them by, besides their name."""
        job = self.need.job.name
        if self.host is None:
            return {"Name": "TrainingJobName", "Value": job}
        return {"Name": "Host", "Value": f"{job}/{self.host}"}


def batches(needs: Iterable[Need]) -> Iterator[list[Series]]:
    """The series of all needs, those of one call together: all of one period, and those of a need one after another."""
    by_period: dict[int, list[Need]] = {}
    for need in needs:
        by_period.setdefault(need.window.period_seconds, []).append(need)
    for period, alike in by_period.items():
        batch: list[Series] = []
        queries, start, end = 0, 0, 0
        for need in sorted(alike, key=lambda need: need.window):
            for series in need.series():
                more = queries + len(series.statistics)
                # By when they start: the first has the earliest.
                start, end = (start, max(end, need.window.end)) if batch else need.window[:2]
                if more > QUERIES_A_CALL or more * ((end - start) // period) > SPAN_OF_A_CALL:
                    yield batch
                    batch, (start, end) = [], need.window[:2]
                    more = len(series.statistics)
                batch.append(series)
                queries = more
        yield batch
