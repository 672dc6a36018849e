"""What a pass takes in: what is new of a source's jobs goes to the archive, batch by batch.

Here: what the archive holds of the latest changes, what is new beside it, redaction, batches, the watermark. Not here:
where jobs come from (``one_pass``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.job import Job, digest, read_job
from pipelines.harvest.redact import Redactor

BATCH_DOCUMENTS = 5_000


class Intake:
    """One source's way into the archive.

    ``since``: the second from which on what the archive holds is compared with the service; None for all time. It lies
    ``overlap_seconds`` before the watermark, or before the last complete look if that is earlier, so that what an
    incomplete pass was told of but did not get is compared again. ``describe`` gives descriptions by the keys of jobs
    (``describe.Completion``). ``documents`` and ``batches`` tell how much was written so far.
    """

    def __init__(
        self,
        source: str,
        archive: RawArchive,
        redactor: Redactor,
        overlap_seconds: int,
        describe: Callable[[Sequence[Job]], dict[int, bytes]],
    ) -> None:
        self.documents = self.batches = 0
        self._source = source
        self._archive = archive
        self._redactor = redactor
        self._describe = describe
        self._pending: list[Observation] = []
        self._modified: dict[int, float | None] = {}  # of the version held, for jobs from ``since`` on and those taken
        self._in_progress: set[int] = set()  # those of them that are InProgress
        self._unreadable: set[int] = set()  # those whose document does not tell when it changed, but the service knows
        self._digests: dict[int, bytes] = {}  # of versions held that were not yet met in this pass
        self._overlap_seconds = overlap_seconds
        self.watermark = 0  # epoch microseconds: the changes before it are in the archive or pending
        self.since: int | None = None

    @property
    def found(self) -> int:
        """New documents so far, those not yet written too."""
        return self.documents + len(self._pending)

    def recall(self, looked_at: float | None) -> None:
        """Read what the archive holds of the latest changes. To be done first.

        ``looked_at``: when the source was last seen whole (epoch seconds); None if it never was.
        """
        self.watermark = self._archive.watermark(self._source) or 0
        if self.watermark and looked_at is not None:
            self.since = int(min(self.watermark / 1e6, looked_at)) - self._overlap_seconds
        for batch in self._archive.reaching(self._source, (self.since or 0) * 1_000_000):
            for observation in self._archive.observations(batch):
                job = read_job(observation.document)
                is_recent = job.modified is None or job.modified >= (self.since or 0)
                if is_recent and (job.key not in self._modified or not self._is_older(job)):
                    self._know(job)
                    self._digests[job.key] = digest(observation.document)

    def has(self, key: int, modified: float | None) -> bool:
        """Is this version of a job, or a later one, here already?"""
        held = self._modified.get(key)
        return held is not None and modified is not None and modified <= held

    def jobs(self) -> int:
        """How many of the jobs held or met so far changed last in the second ``since`` or later."""
        if self.since is None:
            return len(self._modified)
        recent = sum(modified is not None and modified >= self.since for modified in self._modified.values())
        return recent + len(self._unreadable)

    def jobs_in_progress(self) -> int:
        """How many of the jobs held or met so far that changed last in the second ``since`` or later are InProgress."""
        return sum((self._modified[key] or 0) >= (self.since or 0) for key in self._in_progress)

    def take(self, jobs: Sequence[Job], answered_at: float) -> None:
        """Take jobs of Search in; what is new among them is described if need be."""
        # What is broken is known by what the archive keeps of it.
        jobs = [job if job.modified is not None else read_job(self._redactor.redact(job.document)) for job in jobs]
        new = [job for job in jobs if self._is_new(job)]
        descriptions = self._describe(new)
        self._add(Observation(answered_at, job.document, descriptions.get(job.key, b"")) for job in new)
        for job in jobs:
            self._meet(job)

    def take_whole(self, observations: Iterable[Observation]) -> None:
        """Take in what was asked about single jobs."""
        whole = [(observation, read_job(observation.document)) for observation in observations]
        self._add(observation for observation, job in whole if self._is_new(job))
        for _, job in whole:
            self._meet(job)

    def reach(self, instant: float) -> None:
        """Raise the watermark: all that changed before ``instant`` (epoch seconds) is in the archive or pending."""
        self.watermark = max(self.watermark, round(instant * 1e6))

    def commit_if_full(self) -> None:
        """Write what is pending if that makes a batch."""
        if len(self._pending) >= BATCH_DOCUMENTS:
            self.commit()

    def commit(self, even_if_empty: bool = False) -> None:
        """Write what is pending, as one batch; ``even_if_empty``: also nothing but a watermark that rose."""
        if self._pending or (even_if_empty and self.watermark > (self._archive.watermark(self._source) or 0)):
            self._archive.append(self._source, self._pending, self.watermark)
            self.batches += 1
            self.documents += len(self._pending)
            self._pending = []

    def _add(self, observations: Iterable[Observation]) -> None:
        self._pending += map(self._redactor.redact_observation, observations)

    def _is_new(self, job: Job) -> bool:
        if job.key not in self._modified:
            return True
        held = self._modified[job.key]
        if held != job.modified:
            return held is None or job.modified is None or job.modified > held
        # The same version, unless a member changes that does not move LastModifiedTime, as tags may.
        return job.key in self._digests and self._digests[job.key] != digest(self._redactor.redact(job.document))

    def _meet(self, job: Job) -> None:
        if not self.has(job.key, job.modified):
            self._know(job)
        self._digests.pop(job.key, None)

    def _know(self, job: Job) -> None:
        self._modified[job.key] = job.modified
        if job.arn is None and job.modified is None:
            self._unreadable.add(job.key)
        if job.is_in_progress:
            self._in_progress.add(job.key)
        else:
            self._in_progress.discard(job.key)

    def _is_older(self, job: Job) -> bool:
        held = self._modified[job.key]
        return held is not None and job.modified is not None and job.modified < held
