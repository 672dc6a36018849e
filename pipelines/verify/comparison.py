"""One source held against the lake: what the lake lacks is fetched, what the service lacks is marked.

A job is marked only once the service says of it by name that there is none. The youngest jobs are left to the harvest:
the service's index may not show them yet. So are young changes; an older one that a harvest passed by, as the index
showed it too late, is looked for where it matters: where the service counts other jobs in progress than the lake does,
those that are in progress in the lake are read again. Not here: where the sides differ (``windows``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from botocore.exceptions import ClientError

from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.harvest import search
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.calls import Calls, is_denied
from pipelines.harvest.describe import Completion, describe
from pipelines.harvest.intake import BATCH_DOCUMENTS
from pipelines.harvest.job import Job, read_job
from pipelines.harvest.redact import Redactor
from pipelines.home import Home
from pipelines.lake.deleted import read_marks, write_marks
from pipelines.lake.manifest import month_of
from pipelines.lake.quarantine import Quarantine
from pipelines.verify.held import Held
from pipelines.verify.windows import Window, differing, months

MOST_CONFIRMED = 1_000  # jobs that a source lacks, and those that only Search does: each takes a call

_ARN = re.compile(r'"TrainingJobArn"\s*:\s*"([^"]+)"')


class _Line(msgspec.Struct):
    document: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class Found:
    """Jobs that were compared; those that the lake lacked, that had changed unseen, and that the service lacks.

    Those lacked are by the month of their CreationTime, as ``2026-04``, in order. All but the last kind were fetched,
    these were marked.
    """

    jobs: int
    fetched_jobs: dict[str, int]
    changed_jobs: int
    deleted_jobs: dict[str, int]

    @property
    def has_repaired(self) -> bool:
        """Whether there was anything to repair."""
        return bool(self.fetched_jobs or self.changed_jobs or self.deleted_jobs)

    def told(self, calls: int) -> str:
        """As a line; ``calls`` is what it took."""
        found = [f"{self.jobs:,} jobs compared with {calls:,} calls"]
        if self.fetched_jobs:
            found.append(f"{_by_month(self.fetched_jobs)} that the lake lacked were fetched")
        if self.changed_jobs:
            found.append(f"{self.changed_jobs:,} that had changed unseen were fetched")
        if self.deleted_jobs:
            found.append(f"{_by_month(self.deleted_jobs)} that the service lacks were marked as deleted")
        return "; ".join(found)


class Comparison:
    """A verification of one source; ``documents`` and ``batches`` tell how much was written to raw so far."""

    def __init__(
        self, source: str, calls: Calls, settings: Settings, held: Held, on_jobs: Callable[[int], None]
    ) -> None:
        self.documents = self.batches = 0
        self._source = source
        self._calls = calls
        self._held = held
        self._on_jobs = on_jobs
        self._home = Home(settings.home)
        self._overlap_seconds = settings.overlap_seconds
        self._redactor = Redactor(settings.secret_keys)
        self._completion = Completion(calls, settings.describe)
        self._marks: dict[str, float] = {}
        self._quarantined: set[int | str] = set()
        self._pending: list[Observation] = []
        self._jobs = 0
        self._fetched: Counter[str] = Counter()  # by month
        self._missed: Counter[str] = Counter()
        self._changed = self._hidden = 0

    @property
    def calls(self) -> int:
        """Calls made, those that failed too."""
        return self._calls.made.total()

    @property
    def warnings(self) -> list[str]:
        """Lines that tell what could not be asked in full."""
        lines = [self._completion.warning] if self._completion.warning else []
        if self._hidden > MOST_CONFIRMED:
            lines.append(
                f"Search does not show {self._hidden:,} jobs of the lake; the service has {MOST_CONFIRMED:,} of them,"
                " and no more were asked for by name: check what the role may see"
            )
        return lines

    @property
    def found(self) -> Found:
        """What was found and done so far."""
        return Found(
            jobs=self._jobs + self._fetched.total() - self._missed.total(),
            fetched_jobs=dict(sorted(self._fetched.items())),
            changed_jobs=self._changed,
            deleted_jobs=dict(sorted(self._missed.items())),
        )

    def run(self) -> None:
        """Compare and repair; what came before an error is kept.

        Raises botocore's errors, and TrainyardError where the service contradicts itself or lacks very many jobs, or a
        file of the data directory is damaged.
        """
        self._marks = read_marks(self._home, self._source)
        self._quarantined = _quarantined(self._home, self._source)
        until = int(search.count_created(self._calls, None, None).answered_at) - self._overlap_seconds
        try:
            for month in months(self._held.first(), until):
                for window in differing(month, self._count, self._held):
                    self._look(window)
                self._jobs += self._held.count(month)
                self._on_jobs(self._jobs)
            self._look_at_those_in_progress(until)
        except Exception:
            self._commit()
            raise
        self._commit()

    def _count(self, window: Window) -> int | None:
        self._on_jobs(self._jobs)
        return search.count_created(self._calls, *window).hits

    def _look(self, window: Window) -> None:
        """Read a window and settle where it differs."""
        found: dict[int, Job] = {}
        hits = answered_at = None
        for page in search.created(self._calls, *window):
            found |= {job.key: job for job in page.jobs}
            hits, answered_at = page.hits, page.answered_at
        assert answered_at is not None
        if hits is not None and len(found) < hits:
            raise TrainyardError(f"Search counted {hits} jobs but gave {len(found)}: run again later")
        arns = {job.arn for job in found.values() if job.arn}
        # Later ones too: where a name was used again, the lake holds the newer job.
        known = self._held.known(arns, window.start)
        lacked = [job for job in found.values() if job.arn not in known and not self._is_quarantined(job)]
        self._fetch(lacked, answered_at)
        self._fetched.update(window.month if job.created is None else month_of(job.created) for job in lacked)
        self._marks = {arn: missed_at for arn, missed_at in self._marks.items() if arn not in arns}
        for arn, name, observed_at in self._held.jobs(window):
            if arn not in arns and self._is_gone(name):
                self._marks[arn] = max(answered_at, observed_at)
                self._missed[window.month] += 1  # windows with jobs of the lake lie within a month

    def _look_at_those_in_progress(self, until: int) -> None:
        """Fetch those that changed before the second ``until`` and since the lake saw them."""
        held = self._held.in_progress()
        if not held or search.jobs_in_progress(self._calls, None) == len(held):
            return
        for _, page in search.named(self._calls, [name for name, _ in held.values()]):
            changed = [
                job
                for job in page.jobs
                if job.arn in held and job.modified is not None and held[job.arn][1] < job.modified < until
            ]
            self._fetch(changed, page.answered_at)
            self._changed += len(changed)

    def _fetch(self, jobs: list[Job], answered_at: float) -> None:
        descriptions = self._completion.descriptions(jobs)
        for job in jobs:
            observation = Observation(answered_at, job.document, descriptions.get(job.key, b""))
            self._pending.append(self._redactor.redact_observation(observation))
        if len(self._pending) >= BATCH_DOCUMENTS:
            self._commit()

    def _is_quarantined(self, job: Job) -> bool:
        """Is it in quarantine already? A document that names no job is known by what raw keeps of it."""
        key = job.key if job.arn else read_job(self._redactor.redact(job.document)).key
        return key in self._quarantined or job.arn in self._quarantined

    def _is_gone(self, name: str) -> bool:
        """Does the service say by name that it has no such job? By Describe, which reads no index; else by Search."""
        if self._missed.total() == MOST_CONFIRMED:
            raise TrainyardError(
                f"the service lacks more than {MOST_CONFIRMED:,} jobs that the lake has: so many are marked as deleted;"
                " if that is right, run `trainyard verify` again for the rest"
            )
        self._hidden += 1
        if self._hidden > MOST_CONFIRMED:
            return False
        try:
            is_gone = describe(self._calls, name) is None
        except ClientError as error:
            if not is_denied(error):
                raise
            is_gone = all(page.hits == 0 for _, page in search.named(self._calls, [name]))
        self._hidden -= is_gone
        return is_gone

    def _commit(self) -> None:
        if self._pending:
            RawArchive(self._home.raw).append(self._source, self._pending)
            self.batches += 1
            self.documents += len(self._pending)
            self._pending = []
        if self._marks != read_marks(self._home, self._source):
            write_marks(self._home, self._source, self._marks)


def _by_month(jobs: dict[str, int]) -> str:
    """As ``3 (2026-04: 2, 2026-05: 1)``."""
    return f"{sum(jobs.values()):,} ({', '.join(f'{month}: {count:,}' for month, count in jobs.items())})"


def _quarantined(home: Home, source: str) -> set[int | str]:
    """What stands for each job whose document from this source is in quarantine, so that raw has it.

    That is its key; of a document too long to be there whole, the ARN.
    """
    known: set[int | str] = set()
    for of, quarantined in Quarantine(home.quarantine).lines():
        if of == source:
            try:
                known.add(read_job(bytes(_LINE.decode(quarantined.line).document)).key)
            except (msgspec.DecodeError, RecursionError):
                known |= {match[1] for match in _ARN.finditer(quarantined.line)}
    return known
