"""Completing what Search gave with what ``DescribeTrainingJob`` knows besides.

Here: which jobs need it, the bound on the calls, and what is left when it is not allowed. Not here: how the two become
one document (``whole``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from botocore.exceptions import ClientError

from pipelines.config import When
from pipelines.harvest.calls import Answer, Calls, is_denied, is_not_found
from pipelines.harvest.job import Job, read_job

AT_ONCE = 8
MOST_VAIN = 4

Thing = TypeVar("Thing")
Found = TypeVar("Found")


def describe(calls: Calls, name: str) -> Answer | None:
    """The answer of DescribeTrainingJob, None where there is no such job any more."""
    try:
        return calls.ask("DescribeTrainingJob", TrainingJobName=name)
    except ClientError as error:
        if is_not_found(error):
            return None
        raise


def at_once(ask: Callable[[Thing], Found], things: Sequence[Thing]) -> list[Found]:
    """What is found about each of the things, a few of them asked about at a time."""
    if len(things) < 2:
        return [ask(thing) for thing in things]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, things))


class Completion:
    """Describes jobs of Search, all of them or (``when-needed``) those that lack their transitions.

    Of the latter no more are described in this pass once ``MOST_VAIN`` in a row told nothing more. ``warning`` is the
    line to show where describing is not allowed.
    """

    def __init__(self, calls: Calls, when: When) -> None:
        self.warning: str | None = None
        self._calls = calls
        self._when = when
        self._vain = 0
        self._has_helped = False

    def descriptions(self, jobs: Sequence[Job]) -> dict[int, bytes]:
        """What Describe answers of the jobs that need it, by their keys."""
        found: dict[int, bytes] = {}
        needy = [job for job in jobs if job.name and (self._when == "always" or job.lacks_transitions)]
        while needy and self._is_worthwhile():
            size = AT_ONCE if self._has_helped or self._when == "always" else MOST_VAIN
            chunk, needy = needy[:size], needy[size:]
            try:
                answers = at_once(lambda job: describe(self._calls, job.name or ""), chunk)
            except ClientError as error:
                if not is_denied(error):
                    raise
                self.warning = (
                    "sagemaker:DescribeTrainingJob is not allowed, so jobs keep the gaps that Search leaves:"
                    ' allow it in IAM, or set describe = "never"'
                )
                break
            for job, answer in zip(chunk, answers, strict=True):
                if answer:
                    found[job.key] = answer.body
                    is_vain = job.lacks_transitions and read_job(answer.body).lacks_transitions
                    self._vain = self._vain + 1 if is_vain else 0
                    self._has_helped |= not is_vain
        return found

    def _is_worthwhile(self) -> bool:
        if self._when == "never" or self.warning:
            return False
        return self._when == "always" or self._vain < MOST_VAIN
