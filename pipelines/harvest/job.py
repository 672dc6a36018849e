"""What a harvest reads off a job's document: which job, which version, and whether it has gaps.

Pure. Not here: what any other member means.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LATEST = 253402300799.0  # the end of the year 9999: no later time can be asked for


class Job(NamedTuple):
    """A document as received. ``key`` stands for the job (see ``key_of``), ``created`` is CreationTime and ``modified``
    LastModifiedTime in epoch seconds; both, ``arn`` and ``name`` are None where they are absent or no such thing.

    ``lacks_transitions``: it has started, and its record is of the kind that tells the statuses since (those of 2018
    are not: they have no TrainingTimeInSeconds either), but there are none.
    """

    key: int
    arn: str | None
    name: str | None
    created: float | None
    modified: float | None
    is_in_progress: bool
    lacks_transitions: bool
    document: bytes


class _Members(msgspec.Struct):
    TrainingJobArn: Any = None
    TrainingJobName: Any = None
    CreationTime: Any = None
    LastModifiedTime: Any = None
    TrainingJobStatus: Any = None
    TrainingStartTime: Any = None
    TrainingTimeInSeconds: Any = None
    SecondaryStatusTransitions: Any = None


_MEMBERS = msgspec.json.Decoder(_Members)


def read_job(document: bytes) -> Job:
    """The job of a document; one that cannot be read is a job of its own."""
    try:
        job = _MEMBERS.decode(document)
        document.decode()  # strings of other members are not looked into above
    except _UNREADABLE:
        return Job(hash(document), None, None, None, None, False, False, document)
    arn, name = job.TrainingJobArn, job.TrainingJobName
    has_started = job.TrainingStartTime is not None and job.TrainingTimeInSeconds is not None
    return Job(
        key_of(arn, job.CreationTime) if isinstance(arn, str) else hash(document),
        arn if isinstance(arn, str) else None,
        name if isinstance(name, str) else None,
        instant(job.CreationTime),
        instant(job.LastModifiedTime),
        job.TrainingJobStatus == "InProgress",
        has_started and not job.SecondaryStatusTransitions,
        document,
    )


def key_of(arn: str, creation_time: Any) -> int:
    """What stands for a job, in this process: a name, and with it the ARN, may be used again after a deletion."""
    created = instant(creation_time)
    return hash((arn, None if created is None else int(created)))


def instant(value: Any) -> float | None:
    """A time of the API (epoch seconds), None for what is none."""
    return value if type(value) in (int, float) and 0 <= value <= _LATEST else None


def digest(document: bytes) -> bytes:
    """The same for the same job, though its members come in another order, and MetricDefinitions always do."""
    try:
        job = msgspec.json.decode(document)
        algorithm = job["AlgorithmSpecification"]
        algorithm["MetricDefinitions"] = sorted(algorithm["MetricDefinitions"], key=msgspec.json.encode)
    except _UNREADABLE:
        return blake2b(document, digest_size=16).digest()
    except (KeyError, TypeError):
        pass  # has none
    return blake2b(msgspec.json.encode(job, order="sorted"), digest_size=16).digest()
