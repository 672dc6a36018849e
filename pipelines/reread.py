"""Reading again the jobs that events named, before a harvest: those that it would pass by.

A harvest reads whatever changed since its watermark, and so what most events tell of. Only a job whose change lies
before that, and of which the lake has no record as new, was lost: it is asked for by name. One that the service lacks
too is asked for once. Not here: the note of jobs that are due (``harvest.due``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb

from pipelines.config import Settings
from pipelines.flatten.documents import EVENT_SOURCE
from pipelines.flatten.layout import main_table
from pipelines.harvest import search
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.calls import Calls
from pipelines.harvest.due import Due, read_due, write_due
from pipelines.harvest.outcome import Outcome
from pipelines.harvest.redact import Redactor
from pipelines.harvest.side_by_side import OnProgress, side_by_side
from pipelines.harvest.sources import Source, find_sources
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.tables import literal


def reread(settings: Settings, on_progress: OnProgress | None = None) -> list[Outcome]:
    """Ask every source for its jobs that are due; gives the outcome of each, none if no job is due.

    To be called by the one who holds the lock. What could not be asked for stays due.
    """
    home = Home(settings.home)
    noted = read_due(home.root)
    if not noted:
        return []
    due = _without_held(home, noted)
    settled = noted.keys() - due.keys()
    outcomes = []
    if due:
        works: list[_Reread] = []

        def work_on(source: Source, on_jobs: Callable[[int], None]) -> _Reread:
            works.append(_Reread(source, Calls(source.client, source.new_client), settings, due, on_jobs))
            return works[-1]

        outcomes = side_by_side(find_sources(settings), work_on, on_progress)
        settled |= {arn for work in works for arn in work.settled}
    write_due(home.root, {arn: job for arn, job in noted.items() if arn not in settled}, noted)
    return outcomes


class _Reread:
    """The jobs of one source that are due and that a harvest would pass by."""

    def __init__(
        self, source: Source, calls: Calls, settings: Settings, due: Mapping[str, Due], on_jobs: Callable[[int], None]
    ) -> None:
        self.documents = self.batches = 0
        self.settled: set[str] = set()
        self._source = source.name
        self._calls = calls
        self._archive = RawArchive(settings.home / "raw")
        self._redact = Redactor(settings.secret_keys).redact
        self._on_jobs = on_jobs
        self._overlap_seconds = settings.overlap_seconds
        self._of_source = {arn: job for arn, job in due.items() if _is_of(arn, source)}

    @property
    def calls(self) -> int:
        """Calls made, those that failed too."""
        return self._calls.made.total()

    @property
    def warnings(self) -> list[str]:
        """None: what cannot be asked is an error."""
        return []

    def run(self) -> None:
        """Ask for them by name, some at a time, and write what is found to raw."""
        begins_at = (self._archive.watermark(self._source) or 0) / 1e6 - self._overlap_seconds
        arns = sorted(arn for arn, job in self._of_source.items() if job.changed_at < begins_at)
        for asked, page in search.named(self._calls, [self._of_source[arn].name for arn in arns]):
            found = [Observation(page.answered_at, self._redact(job.document)) for job in page.jobs]
            if found:
                self._archive.append(self._source, found)
                self.documents += len(found)
                self.batches += 1
            self.settled.update(arns[len(self.settled) :][: len(asked)])
            self._on_jobs(len(self.settled))


def _is_of(arn: str, source: Source) -> bool:
    return source.account_id is None or _place(arn) == (source.account_id, source.region)


def _place(arn: str) -> tuple[str, ...]:
    """The account and the region that an ARN names."""
    return tuple(reversed(arn.split(":")[3:5]))


def _without_held(home: Home, due: Mapping[str, Due]) -> dict[str, Due]:
    """Those of which the lake has no record as new as the event; the two write times with other digits."""
    main, places = main_table(), {_place(arn) for arn in due}
    parts = read_manifest(home.lake).where(lambda part: part.key[:2] in places)
    with duckdb.connect() as connection:
        held = select_table(main.table, parts.paths(home.lake, main.name))
        changes = connection.execute(
            f"select training_job_arn, epoch(last_modified_time) from ({held})"
            " semi join (select unnest($1) as training_job_arn) using (training_job_arn)"
            f" where source <> {literal(EVENT_SOURCE)} and last_modified_time is not null",
            [list(due)],
        ).fetchall()
    is_held = {arn for arn, changed_at in changes if changed_at > due[arn].changed_at - 1}
    return {arn: job for arn, job in due.items() if arn not in is_held}
