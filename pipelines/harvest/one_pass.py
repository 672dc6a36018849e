"""One pass over a source: every document that changed since the last pass, into the archive.

Here: where a pass begins, which way it goes, and whether it was complete. Not here: which sources there are,
credentials, and what a failure means for the others.

A look at the newest changes tells whether anything changed. If they do not reach back to the watermark, all changes
since are paged through. The index may show a change late, and a job that changes while it is paged may push another out
of a page: so what is known of the jobs since the watermark less an overlap is held against the service's own counts of
them, of all and of those in progress, and paged through again where they differ. Where Search is not allowed, the jobs
are listed and each is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from pipelines.errors import TrainyardError
from pipelines.harvest import listing, search
from pipelines.harvest.archive import RawArchive, write_last_look
from pipelines.harvest.calls import Calls, TokenRefusedError, is_denied
from pipelines.harvest.describe import Completion, When, at_once
from pipelines.harvest.intake import Intake
from pipelines.harvest.redact import Redactor

OVERLAP_SECONDS = 900
MOST_LISTINGS = 3  # of one pass, where tokens expire


class _Look(NamedTuple):
    """What the newest page tells: whether it reaches back to what was taken before, whether nothing is missing, and how
    many jobs the service counts in all since then.
    """

    reaches_back: bool
    is_settled: bool
    hits: int | None


class _Reading(NamedTuple):
    """What came of paging: how many jobs the service counted at first, None unless a single query gave all that it
    counted; and the parts (seconds, from and before) that its queries went through, the last first.
    """

    hits: int | None
    parts: list[tuple[int | None, int | None]]


class Pass:
    """One pass over one source; ``documents``, ``batches`` and ``calls`` tell how much was written and asked so far.

    ``on_page`` is called after each page with the number of new documents so far; what it raises ends the pass.
    ``overlap_seconds``: so late the service may show a change.
    """

    def __init__(
        self,
        source: str,
        calls: Calls,
        home: Path,
        redactor: Redactor,
        on_page: Callable[[int], None] = lambda documents: None,
        overlap_seconds: int = OVERLAP_SECONDS,
        describe: When = "when-needed",
    ) -> None:
        self.source = source
        self._warnings: list[str] = []
        self._calls = calls
        self._home = home
        self._on_page = on_page
        self._completion = Completion(calls, describe)
        self._intake = Intake(
            source, RawArchive(home / "raw"), redactor, overlap_seconds, self._completion.descriptions
        )
        self._began_at: float | None = None

    @property
    def documents(self) -> int:
        """New documents written."""
        return self._intake.documents

    @property
    def batches(self) -> int:
        """Batches written."""
        return self._intake.batches

    @property
    def calls(self) -> int:
        """Calls made, those that failed too."""
        return self._calls.made.total()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Lines that tell what could not be asked."""
        return tuple(filter(None, [*self._warnings, self._completion.warning]))

    def run(self) -> None:
        """Bring the archive up to date with the service.

        Raises botocore's errors, and TrainyardError where the service gives fewer jobs than it counts, however it is
        asked. What came before an error is kept.
        """
        self._intake.recall()
        try:
            try:
                self._search()
            except ClientError as error:
                if not is_denied(error) or error.operation_name != "Search" or self._began_at is not None:
                    raise
                self._list()
        except (BotoCoreError, ClientError, ResponseParserError, TrainyardError):
            self._intake.commit()
            raise
        self._intake.commit()
        assert self._began_at is not None
        write_last_look(self._home, self.source, self._began_at)

    def _search(self) -> None:
        """Take in what Search has new, and see that nothing is missing of what it had before."""
        since = self._intake.since
        if since is None:
            reading = self._read(None, None)
            if reading.hits is not None:
                return
            suspects = reading.parts
            look = self._look(has_read=True)
        else:
            start = self._intake.watermark // 1_000_000 + 1
            suspects = [(since, start)]
            look = self._look()
            if not look.reaches_back:
                reading = self._read(start, None)
                if look.hits is not None and reading.hits is not None:
                    before = look.hits - reading.hits
                    if self._intake.jobs_between(since, start) >= before and self._progress_agrees():
                        return
                suspects += reading.parts
                look = self._look(has_read=True)
        for part in suspects:
            if look.is_settled:
                return
            self._read(*part)
            look = self._look(has_read=True)
        given = self._intake.jobs_between(since, None)
        if not look.is_settled and look.hits is not None and look.hits > given:
            raise TrainyardError(
                f"Search counts {look.hits} jobs but gives {given}, asked time and again: these are kept, the next run"
                " looks once more"
            )

    def _look(self, has_read: bool = False) -> _Look:
        """Look at the newest changes; they are taken in if there is no gap between them and what was taken before.

        ``has_read``: all changes were paged through just now, so that a gap would show in the counts.
        """
        page = search.newest(self._calls, self._intake.since)
        second = self._intake.watermark // 1_000_000
        is_whole = page.is_last and page.hits == len(page.jobs)
        reaches_back = is_whole or any(job.modified is not None and job.modified < second + 1 for job in page.jobs)
        if reaches_back or has_read:
            self._take(page, is_without_gap=reaches_back)
        is_all_there = page.hits is not None and self._intake.jobs_between(self._intake.since, None) >= page.hits
        is_settled = is_whole or ((reaches_back or has_read) and is_all_there and self._progress_agrees())
        return _Look(reaches_back, is_settled, page.hits)

    def _progress_agrees(self) -> bool:
        """Are as many jobs InProgress as the service counts? All may be known, but one of them as it was before."""
        return self._intake.jobs_in_progress() == search.jobs_in_progress(self._calls, self._intake.since)

    def _read(self, since: int | None, until: int | None) -> _Reading:
        """Page through the jobs that changed between two seconds."""
        starts: list[int | None] = []
        keys: set[int] = set()
        first_hits = last_hits = None
        for page in search.changed(self._calls, since, until):
            if not starts:
                first_hits = page.hits
            if not starts or page.since != starts[-1]:
                starts.append(page.since)
            if len(starts) == 1:
                keys.update(job.key for job in page.jobs)
                last_hits = page.hits
            self._take(page)
        is_whole = len(starts) == 1 and last_hits is not None and last_hits <= len(keys)
        parts = list(zip(starts, [*starts[1:], until], strict=True))
        return _Reading(first_hits if is_whole else None, parts[::-1])

    def _take(self, page: search.Page, is_without_gap: bool = True) -> None:
        self._begin(page.answered_at)
        self._intake.take(page.jobs, page.answered_at)
        if is_without_gap:
            # A time to come would hide all until then.
            newest = max((job.modified for job in page.jobs if job.modified is not None), default=0)
            self._intake.reach(min(newest, page.answered_at))
        self._intake.commit_if_full()
        self._on_page(self._intake.found)

    def _begin(self, answered_at: float) -> None:
        if self._began_at is None:
            self._began_at = answered_at

    def _list(self) -> None:
        """Take in what the list has new, asking about each job of it."""
        self._warnings.append(
            "sagemaker:Search is not allowed: jobs are listed and asked about one by one, at two calls for each that"
            " changed, and one for every hundred that there are: allow it in IAM"
        )
        for attempt in range(1, MOST_LISTINGS + 1):
            try:
                self._go_through_list()
                return
            except ClientError as error:
                if is_denied(error):
                    raise TrainyardError(
                        f"neither sagemaker:Search nor, in its place, sagemaker:{error.operation_name} is allowed:"
                        " allow sagemaker:Search in IAM"
                    ) from None
                raise
            except TokenRefusedError as error:
                if attempt == MOST_LISTINGS:
                    raise TrainyardError(
                        f"ListTrainingJobs refuses its own tokens: run again later ({error.__cause__})"
                    ) from None

    def _go_through_list(self) -> None:
        newest = 0.0
        for summaries, answered_at in listing.listed(self._calls, self._intake.since):
            self._begin(answered_at)
            new = [summary for summary in summaries if not self._intake.has(summary.key, summary.modified)]
            self._intake.take_whole(filter(None, at_once(partial(listing.all_of, self._calls), new)))
            self._intake.commit_if_full()
            self._on_page(self._intake.found)
            # What changed after the first page may have been missed there.
            newest = max(
                [newest, *(s.modified for s in summaries if s.modified and s.modified <= (self._began_at or 0))]
            )
        self._intake.reach(newest)
        self._intake.commit(even_if_empty=True)
