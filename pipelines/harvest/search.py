"""Training jobs through ``Search``: those that changed since an instant, oldest change first, or the newest ones; those
created in a window, and those of certain names.

Here: keyset paging. A query goes by LastModifiedTime, ascending; after a few thousand jobs a new one goes on from the
second that it reached. So no token has to live long, and no cap on a query's results is met. Not here: what is known of
the jobs already, and whether they are all there (``one_pass``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from pipelines.errors import TrainyardError
from pipelines.harvest.calls import Answer, Calls, TokenRefusedError
from pipelines.harvest.job import Job, read_job

PAGE_JOBS = 100
QUERY_JOBS = 5_000
MOST_REFUSALS = 3  # of tokens in one second's jobs
MOST_EMPTY_PAGES = 1_000  # one after the other
MOST_NAMES = 20  # filters of one expression


class _Result(msgspec.Struct):
    TrainingJob: msgspec.Raw = msgspec.Raw()


class _TotalHits(msgspec.Struct):
    Value: int | None = None
    Relation: str = "EqualTo"


class _Body(msgspec.Struct):
    Results: list[_Result]
    TotalHits: _TotalHits | None = None


_BODY = msgspec.json.Decoder(_Body)


class Page(NamedTuple):
    """Jobs in the order asked for, and when that was (epoch seconds, the service's clock).

    ``since`` (a second, None for all time) is where the page's query began, ``hits`` how many jobs the service counts
    from there on (None where it does not say exactly), ``is_last`` whether the query gives no more.
    """

    jobs: list[Job]
    answered_at: float
    since: int | None
    hits: int | None
    is_last: bool


def newest(calls: Calls, since: int | None) -> Page:
    """The jobs that changed last, newest first, of those that changed in the second ``since`` or later: one page."""
    request = _request(_between("LastModifiedTime", since, None), order="Descending")
    return _page(calls.ask("Search", **request), since)


def jobs_in_progress(calls: Calls, since: int | None) -> int | None:
    """How many jobs that changed in the second ``since`` or later are InProgress; None if the service does not say."""
    status = {"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "InProgress"}
    return _count(calls, [*_between("LastModifiedTime", since, None), status]).hits


def changed(calls: Calls, since: int | None, until: int | None = None) -> Iterator[Page]:
    """The jobs that changed in the second ``since`` or later and before the second ``until``, oldest change first.

    A job may come more than once: when it changes meanwhile, and those of a second in which a query ended. Raises what
    ``Calls`` does, and TrainyardError where the service makes no progress.
    """
    refusals = 0
    while True:
        keys: set[int] = set()
        reached = since
        try:
            for page in _query(calls, _request(_between("LastModifiedTime", since, until)), since):
                keys.update(job.key for job in page.jobs)
                reached = max(
                    (math.floor(job.modified) for job in page.jobs if job.modified is not None), default=reached
                )
                yield page
                if len(keys) >= QUERY_JOBS and reached != since:
                    break
            else:
                # A query that has more hits than it gave has met a cap, or jobs moved under it.
                if reached == since or (page.hits is not None and page.hits <= len(keys)):
                    return
        except TokenRefusedError as error:
            refusals = 0 if reached != since else refusals + 1
            if refusals > MOST_REFUSALS:
                raise TrainyardError(f"Search refuses its own tokens: run again later ({error.__cause__})") from None
        since = reached


def created(calls: Calls, since: int, until: int) -> Iterator[Page]:
    """The jobs created in the second ``since`` or later and before the second ``until``, in one query."""
    return _query(calls, _request(_between("CreationTime", since, until), sort_by="CreationTime"), since)


def count_created(calls: Calls, since: int | None, until: int | None) -> Page:
    """How many jobs were created in the second ``since`` or later and before the second ``until``: see ``hits``."""
    return _count(calls, _between("CreationTime", since, until), sort_by="CreationTime")


def named(calls: Calls, names: Sequence[str]) -> Page:
    """The jobs of these names, at most ``MOST_NAMES`` of them."""
    filters = [{"Name": "TrainingJobName", "Operator": "Equals", "Value": name} for name in names]
    return _page(calls.ask("Search", **_request(filters, operator="Or")), None)


def _count(calls: Calls, filters: list[dict[str, str]], **sorting: str) -> Page:
    return _page(calls.ask("Search", **(_request(filters, **sorting) | {"MaxResults": 1})), None)


def _query(calls: Calls, request: dict[str, Any], since: int | None) -> Iterator[Page]:
    empty_pages = 0
    for answer in calls.pages("Search", **request):
        page = _page(answer, since)
        empty_pages = 0 if page.jobs else empty_pages + 1
        if empty_pages > MOST_EMPTY_PAGES:
            raise TrainyardError("Search gives nothing but empty pages: run again later")
        yield page


def _between(name: str, since: int | None, until: int | None) -> list[dict[str, str]]:
    return [
        {
            "Name": name,
            "Operator": operator,
            "Value": datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        for operator, second in (("GreaterThanOrEqualTo", since), ("LessThan", until))
        if second is not None
    ]


def _request(
    filters: list[dict[str, str]],
    sort_by: str = "LastModifiedTime",
    order: str = "Ascending",
    operator: str = "And",
) -> dict[str, Any]:
    return {
        "Resource": "TrainingJob",
        "SortBy": sort_by,
        "SortOrder": order,
        "MaxResults": PAGE_JOBS,
        **({"SearchExpression": {"Filters": filters, "Operator": operator}} if filters else {}),
    }


def _page(answer: Answer, since: int | None) -> Page:
    try:
        body = _BODY.decode(answer.body)
    except msgspec.ValidationError as error:
        raise TrainyardError(f"Search gives what is no page: {error}") from None
    documents = [*(bytes(result.TrainingJob) for result in body.Results), *answer.broken]
    hits = body.TotalHits.Value if body.TotalHits and body.TotalHits.Relation == "EqualTo" else None
    return Page(
        [read_job(document) for document in documents if document], answer.answered_at, since, hits, answer.is_last
    )
