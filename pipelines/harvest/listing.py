"""Training jobs where Search is not allowed: ``ListTrainingJobs``, then each job's description and tags.

Here: which jobs there are, as the list tells, and all of one job. Not here: which of them are asked about.

The list cannot be sorted by LastModifiedTime, and the service filters its pages only after it has made them: every pass
pages through all of an account's jobs, and only what comes after the list is spared for jobs that did not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from pipelines.harvest.archive import Observation
from pipelines.harvest.calls import Calls, decoded
from pipelines.harvest.describe import describe
from pipelines.harvest.job import instant, key_of
from pipelines.harvest.tags import list_tags

PAGE_JOBS = 100


class Summary(NamedTuple):
    """What the list tells of a job, and what stands for it (``job.key_of``)."""

    key: int
    name: str
    arn: str
    modified: float | None


class _Summary(msgspec.Struct):
    TrainingJobName: str
    TrainingJobArn: str
    CreationTime: Any = None
    LastModifiedTime: Any = None


class _Body(msgspec.Struct):
    TrainingJobSummaries: list[_Summary]


_BODY = msgspec.json.Decoder(_Body)


def listed(calls: Calls, since: int | None) -> Iterator[tuple[list[Summary], float]]:
    """Pages of the jobs that changed in the second ``since`` or later, oldest job first, each with when it was so."""
    # What is older than the page goes in order of creation: a job that changes meanwhile does not move.
    request: dict[str, Any] = {"SortBy": "CreationTime", "SortOrder": "Ascending", "MaxResults": PAGE_JOBS}
    if since is not None:
        request["LastModifiedTimeAfter"] = datetime.fromtimestamp(since - 1, UTC)
    for answer in calls.pages("ListTrainingJobs", **request):
        jobs = decoded(_BODY, answer.body, "ListTrainingJobs").TrainingJobSummaries
        yield (
            [
                Summary(
                    key_of(job.TrainingJobArn, job.CreationTime),
                    job.TrainingJobName,
                    job.TrainingJobArn,
                    instant(job.LastModifiedTime),
                )
                for job in jobs
            ],
            answer.answered_at,
        )


def all_of(calls: Calls, summary: Summary) -> Observation | None:
    """A job's description and tags; None where it is there no more."""
    description = describe(calls, summary.name)
    tags = list_tags(calls, summary.arn) if description else None
    return Observation(description.answered_at, description.body, tags=tags) if description and tags else None
