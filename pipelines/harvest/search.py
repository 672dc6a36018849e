"""Training jobs through ``Search``: those that changed since an instant, oldest change first, or the newest ones; those
created in a window, and those of certain names.

Here: the queries, and paging that no change of the fleet leads astray. Not here: what is known of the jobs already, and
whether they are all there (``one_pass``).

The token of a page is at worst a position, so where a job leaves the pages behind it, all later ones move up by one,
and the one at the seam is on no page. What makes that visible: a job that changes bears a later LastModifiedTime than
any before it. So nothing can come to a span of seconds that are over; what leaves it makes the service's count of it
smaller; and as long as that count stands still, the pages of a query fit together (``settled``). Where it does not, a
new query goes on from the second that was reached: its first page is all of one instant. From then on every page is a
query of its own, tokens serve only within one second, and a second that needs them is a span by itself. Where the
service does not count exactly, tokens serve within one second too, and are believed there.

A query goes on for a few thousand jobs only: no token has to live long, and no cap on a query's results is met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from pipelines.errors import TrainyardError
from pipelines.harvest.calls import Answer, Calls, TokenRefusedError, decoded
from pipelines.harvest.job import Job, read_job

PAGE_JOBS = 100
QUERY_JOBS = 5_000
MOST_REFUSALS = 3  # of tokens, without a step forward
MOST_RESTARTS = 100  # of one second's jobs, because of those that leave it
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

    ``hits`` is how many jobs the service counts that the query finds (None where it does not say exactly), ``is_last``
    whether it gives no more of them.
    """

    jobs: list[Job]
    answered_at: float
    hits: int | None
    is_last: bool


def newest(calls: Calls, since: int | None) -> Page:
    """The jobs that changed last, newest first, of those that changed in the second ``since`` or later: one page."""
    pages = _query(calls, _request(_between("LastModifiedTime", since, None), order="Descending"))
    return next(page for page in pages if page.jobs or page.is_last)


def jobs_in_progress(calls: Calls, since: int | None) -> int | None:
    """How many jobs that changed in the second ``since`` or later are InProgress; None if the service does not say."""
    status = {"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "InProgress"}
    return _count(calls, [*_between("LastModifiedTime", since, None), status]).hits


def settled(calls: Calls, since: int | None, until: int) -> Iterator[Page]:
    """The jobs that changed last in the second ``since`` or later and before the second ``until``, oldest change first.

    ``until`` is to be over, so that no job comes to them. After each page all of them are given up to its last change,
    but those that have changed since. A job may come more than once: those of a second in which a query ended. Raises
    what ``Calls`` does, and TrainyardError where the service makes no progress.
    """
    refusals = restarts = 0
    is_moving = False
    while since is None or since < until:
        end = since + 1 if restarts and since is not None else until
        hits: int | None = None
        keys: set[int] = set()
        reached = since
        try:
            for number, page in enumerate(_query(calls, _request(_between("LastModifiedTime", since, end)))):
                if number == 0:
                    hits = page.hits
                elif page.hits != hits:
                    is_moving = True
                    break
                keys.update(job.key for job in page.jobs)
                reached = max(
                    (math.floor(job.modified) for job in page.jobs if job.modified is not None), default=reached
                )
                yield page
                has_enough = is_moving or hits is None or len(keys) >= QUERY_JOBS
                if has_enough and reached != since and not page.is_last:
                    break
            else:
                # A query that has more hits than it gave has met a cap.
                if hits is None or hits <= len(keys):
                    reached = end
                elif reached == since:  # within one second: there is no way past it
                    reached = end if since is None else since + 1
            restarts = restarts + 1 if reached == since else 0
            if restarts > MOST_RESTARTS:
                raise TrainyardError("Search counts the jobs of one second otherwise each time: run again later")
        except TokenRefusedError:
            refusals = 0 if reached != since else refusals + 1
            if refusals > MOST_REFUSALS:
                raise
        since = reached


def since_then(calls: Calls, since: int | None) -> Iterator[Page]:
    """The jobs that changed in the second ``since`` or later, oldest change first, in one query.

    A job may come more than once, and one may be on no page, when they change meanwhile. Raises what ``Calls`` does.
    """
    return _query(calls, _request(_between("LastModifiedTime", since, None)))


def undated(calls: Calls) -> Iterator[Page]:
    """The jobs that have no LastModifiedTime: no query by it finds them."""
    has_none = {"Name": "LastModifiedTime", "Operator": "NotExists"}
    return _query(calls, _request([has_none], sort_by="CreationTime"))


def created(calls: Calls, since: int, until: int) -> Iterator[Page]:
    """The jobs created in the second ``since`` or later and before the second ``until``, in one query."""
    return _query(calls, _request(_between("CreationTime", since, until), sort_by="CreationTime"))


def count_created(calls: Calls, since: int | None, until: int | None) -> Page:
    """How many jobs were created in the second ``since`` or later and before the second ``until``: see ``hits``."""
    return _count(calls, _between("CreationTime", since, until), sort_by="CreationTime")


def named(calls: Calls, names: Sequence[str]) -> Iterator[tuple[Sequence[str], Page]]:
    """The jobs of these names, as many names at a time as a query takes: each page with the names that were asked."""
    for start in range(0, len(names), MOST_NAMES):
        asked = names[start : start + MOST_NAMES]
        filters = [{"Name": "TrainingJobName", "Operator": "Equals", "Value": name} for name in asked]
        yield asked, _page(calls.ask("Search", **_request(filters, operator="Or")))


def _count(calls: Calls, filters: list[dict[str, str]], **sorting: str) -> Page:
    return _page(calls.ask("Search", **(_request(filters, **sorting) | {"MaxResults": 1})))


def _query(calls: Calls, request: dict[str, Any]) -> Iterator[Page]:
    empty_pages = refusals = 0
    has_given = False
    while True:
        try:
            for answer in calls.pages("Search", **request):
                page = _page(answer)
                empty_pages = 0 if page.jobs else empty_pages + 1
                if empty_pages > MOST_EMPTY_PAGES:
                    raise TrainyardError("Search gives nothing but empty pages: run again later")
                has_given = has_given or bool(page.jobs)
                yield page
            return
        except TokenRefusedError:
            refusals += 1
            if has_given or refusals > MOST_REFUSALS:  # else it can begin again
                raise


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


def _page(answer: Answer) -> Page:
    body = decoded(_BODY, answer.body, "Search")
    documents = [*(bytes(result.TrainingJob) for result in body.Results), *answer.broken]
    hits = body.TotalHits.Value if body.TotalHits and body.TotalHits.Relation == "EqualTo" else None
    return Page([read_job(document) for document in documents if document], answer.answered_at, hits, answer.is_last)
