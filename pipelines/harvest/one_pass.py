"""One pass over a source: every document that changed since the last pass, into the archive.

Here: where a pass begins, which way it goes, and whether it was complete. Not here: which sources there are,
credentials, and what a failure means for the others.

Proven, if the service shows each change at once and none bears an earlier LastModifiedTime than what it showed before:
a pass that ends without an error holds every job that existed when it began, as it was then or later.

1. All changes before the watermark are held.
2. A look is one page of the newest changes, so of one instant. If it reaches back to the watermark, nothing is missing.
3. If it does not, one query reads all that changed since. Where each of its pages counts as many jobs as the query gave
   different ones in the end, none was missed: a job that changes stays among those that the query finds.
4. Where they are too many for one query, or the count moves, what changed before the second of the look's newest change
   is read first (``search.settled``), the watermark rises to that second, and the pass looks again.

The index may show a change late, so counts are compared too: what is known of the jobs since the watermark less an
overlap is held against the service's own counts of them, of all and of those in progress, and read again where they
differ. A pass whose counts differ to the end fails, and the next one compares from the last complete look on. Two
things escape:

- until it changes again, a change shown late of a job that changed in the overlap before and is as much in progress as
  it was then;
- until `trainyard verify` finds it, a job that is pushed out of a page by the deletion of another while a third is
  created.

Jobs without LastModifiedTime are in no order, and no later query finds them: the first complete pass takes them in,
`trainyard verify` those that come later.

Where Search is not allowed, the jobs are listed and each is asked about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from pipelines.config import When
from pipelines.errors import TrainyardError
from pipelines.harvest import listing, search
from pipelines.harvest.archive import RawArchive, last_look, write_last_look
from pipelines.harvest.calls import Calls, TokenRefusedError, is_denied
from pipelines.harvest.describe import Completion, at_once
from pipelines.harvest.intake import Intake
from pipelines.harvest.job import Job
from pipelines.harvest.redact import Redactor

MOST_LOOKS = 10  # until one finds nothing more that changed
MOST_LISTINGS = 3  # of one pass, where tokens expire


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
        on_page: Callable[[int], None],
        overlap_seconds: int,
        describe: When,
    ) -> None:
        self.source = source
        self._warnings: list[str] = []
        self._calls = calls
        self._home = home
        self._on_page = on_page
        self._overlap_seconds = overlap_seconds
        self._completion = Completion(calls, describe)
        self._intake = Intake(
            source, RawArchive(home / "raw"), redactor, overlap_seconds, self._completion.descriptions
        )
        self._began_at: float | None = None
        self._looked_at: float | None = None  # when a pass was last complete, by the service's clock
        self._second: int | None = None  # all changes before it are held

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
        self._looked_at = last_look(self._home, self.source)
        self._intake.recall(self._looked_at)
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
        self._intake.commit(even_if_empty=self.batches > 0)
        assert self._began_at is not None
        write_last_look(self._home, self.source, self._began_at)

    def _search(self) -> None:
        """Take in what Search has new, and see that nothing is missing of what it had before."""
        start = self._intake.watermark
        if start:
            second = start // 1_000_000
            # The last complete look saw all of a second that was over.
            self._second = second + 1 if self._looked_at is not None and self._looked_at >= second + 1 else second
        look = self._catch_up()
        if self._looked_at is None and not _is_whole(look):
            for page in search.undated(self._calls):
                self._take(page)
        if self._agrees(look, is_read_whole=_is_whole(look) or not start):
            return
        end = (start or self._intake.watermark) // 1_000_000 + 1
        for page in search.settled(self._calls, self._intake.since if start else end - self._overlap_seconds, end):
            self._take(page)
        look = self._catch_up()
        if self._lacks(look):
            raise self._lacking(look)

    def _catch_up(self) -> search.Page:
        """Take in all that changed since the watermark; gives a look since when, or at which, nothing was missing."""
        refusals = 0
        for attempt in range(MOST_LOOKS):
            look = search.newest(self._calls, self._intake.since)
            self._begin(look.answered_at)
            newest = _newest_change(look)
            if _is_whole(look) or any(map(self._lies_behind, look.jobs)):
                self._take(look, newest)
                return look
            if attempt or look.hits is None or look.hits > search.QUERY_JOBS:
                self._read_settled(math.floor(newest))
            try:
                if self._read_rest(newest):
                    return look
            except TokenRefusedError:
                refusals += 1
                if refusals > search.MOST_REFUSALS:
                    raise
        if self._lacks(look):
            raise self._lacking(look)
        raise TrainyardError("jobs change faster than Search gives them: what came is kept, the next run goes on")

    def _read_settled(self, until: int) -> None:
        """Take in what changed before a second that is over."""
        for page in search.settled(self._calls, self._second, until):
            self._take(page, max((job.modified or 0 for job in page.jobs), default=0))
        if self._second is None or self._second < until:
            self._second = until

    def _read_rest(self, newest: float) -> bool:
        """Take in what changed since, by one query; tells whether it gave all. ``newest``: a change shown before it."""
        keys: set[int] = set()
        counts: set[int | None] = set()
        for page in search.since_then(self._calls, self._second):
            self._take(page)
            keys.update(job.key for job in page.jobs)
            counts.add(page.hits)
        gave_all = counts in ({len(keys)}, {None})
        if gave_all:
            # What changed meanwhile, and may be on no page, did so later.
            self._intake.reach(newest)
        return gave_all

    def _lies_behind(self, job: Job) -> bool:
        """Did a job change before the watermark? So did all that come after it on a page of the newest changes."""
        held_before = max(self._intake.watermark, (self._second or 0) * 1_000_000)
        return job.modified is not None and round(job.modified * 1e6) < held_before

    def _agrees(self, look: search.Page, is_read_whole: bool) -> bool:
        """Do the service's counts agree with what is held? All may be known, but one of them as it was before."""
        if self._lacks(look):
            return False
        if is_read_whole:
            return True
        return search.jobs_in_progress(self._calls, self._intake.since) in (None, self._intake.jobs_in_progress())

    def _lacks(self, look: search.Page) -> bool:
        return look.hits is not None and look.hits > self._intake.jobs()

    def _lacking(self, look: search.Page) -> TrainyardError:
        return TrainyardError(
            f"Search counts {look.hits} jobs but gives {self._intake.jobs()}, asked time and again: these are kept, the"
            " next run looks once more"
        )

    def _take(self, page: search.Page, reached: float = 0) -> None:
        """Take a page in; all changes before ``reached`` (epoch seconds) are held then."""
        self._begin(page.answered_at)
        self._intake.take(page.jobs, page.answered_at)
        self._intake.reach(reached)
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
                    self._warnings.clear()  # the error says all
                    raise TrainyardError(
                        f"neither sagemaker:Search nor, in its place, sagemaker:{error.operation_name} is allowed:"
                        " allow sagemaker:Search in IAM"
                    ) from None
                raise
            except TokenRefusedError:
                if attempt == MOST_LISTINGS:
                    raise

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


def _is_whole(look: search.Page) -> bool:
    return look.is_last and look.hits == len(look.jobs)


def _newest_change(look: search.Page) -> float:
    """The time of the newest change on a page, in epoch seconds: what changes later bears no earlier one."""
    newest = max((job.modified for job in look.jobs if job.modified is not None), default=0)
    # A time to come would hide all until then. The service's clock is told in whole seconds.
    return newest if newest < look.answered_at + 1 else look.answered_at
