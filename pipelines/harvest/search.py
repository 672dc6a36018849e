"""One pass over a source: every document that changed since the last pass, through ``Search``, into the archive.

Here: keyset paging, the page's own bytes, what is new, and whether the pass was complete. Not here: which sources there
are, credentials, and what a failure means for the others.

Paging goes by LastModifiedTime, ascending, from the source's watermark less an overlap, for the index may lag behind.
After every few thousand documents the query starts again from the second that it reached: no token has to live long, no
cap on results is met, and a crash costs one batch. A job that changes while the pass goes on moves to the end and is
seen again there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from pipelines.errors import TrainyardError
from pipelines.harvest import broken
from pipelines.harvest.archive import Observation, RawArchive, write_last_look
from pipelines.harvest.mend import mended
from pipelines.harvest.redact import Redactor

PAGE_DOCUMENTS = 100
BATCH_DOCUMENTS = 5_000
OVERLAP_SECONDS = 900

_LATEST = 253402300799.0  # the end of the year 9999: no later time can be asked for


class _Result(msgspec.Struct):
    TrainingJob: msgspec.Raw = msgspec.Raw()


class _TotalHits(msgspec.Struct):
    Value: int | None = None


class _Body(msgspec.Struct):
    Results: list[_Result]
    NextToken: str | None = None
    TotalHits: _TotalHits | None = None


class _Job(msgspec.Struct):
    TrainingJobArn: Any = None
    LastModifiedTime: Any = None


_BODY = msgspec.json.Decoder(_Body)
_JOB = msgspec.json.Decoder(_Job)


@dataclass(frozen=True)
class _Page:
    """Documents as received; when that was (epoch seconds, the service's clock); how many the whole query has."""

    documents: list[bytes]
    observed_at: float
    total: int


class Pass:
    """One pass over one source; ``documents``, ``batches`` and ``calls`` tell how much was written and asked so far.

    ``on_page`` is called after each page with the number of new documents so far; what it raises ends the pass.
    """

    def __init__(
        self, source: str, client: Any, home: Path, redactor: Redactor, on_page: Callable[[int], None]
    ) -> None:
        self.source = source
        self.documents = self.batches = self.calls = 0
        self._client = client
        self._home = home
        self._archive = RawArchive(home / "raw")
        self._redactor = redactor
        self._on_page = on_page
        self._pending: list[Observation] = []
        self._watermark = 0  # epoch microseconds: the newest change that is in the archive or pending
        self._held: set[bytes] = set()  # digests of what the archive holds and the service may give again
        self._held_to = -math.inf  # the newest LastModifiedTime among them
        self._looked_at: float | None = None
        client.meta.events.register("before-send.sagemaker.Search", self._count_call)
        client.meta.events.register("before-parse.sagemaker.Search", _take_body)

    def run(self) -> None:
        """Bring the archive up to date with the service.

        Raises botocore's errors, and TrainyardError where the service gives fewer jobs than it counts, twice. What came
        before an error is kept.
        """
        try:
            self._search()
        except (BotoCoreError, ClientError):
            self._commit()
            raise
        self._commit()
        assert self._looked_at is not None
        write_last_look(self._home, self.source, self._looked_at)

    def _search(self) -> None:
        """Query upon query until one is exhausted; the last jobs are left pending."""
        since = self._start()
        repeated = False
        while True:
            watermark_before = self._watermark
            jobs: set[object] = set()
            total = 0
            for page in self._pages(since):
                total = total or page.total
                second = self._take(page, jobs)
                self._on_page(self.documents + len(self._pending))
                if len(self._pending) >= BATCH_DOCUMENTS:
                    self._commit()
                if len(jobs) >= BATCH_DOCUMENTS and second is not None and (since is None or second > since):
                    self._commit()
                    since = second
                    break
            else:
                if len(jobs) >= total:
                    return
                if repeated:
                    self._watermark = watermark_before  # so that the next pass looks here again
                    self._commit()
                    raise TrainyardError(
                        f"Search counted {total} jobs but gave {len(jobs)}: these are kept, the next run looks again"
                    )
                repeated = True
                self._hold(self._pending)

    def _start(self) -> int | None:
        """The second to search from, None for all time; what the archive holds of that time is known from here on."""
        reached = self._archive.watermark(self.source)
        if reached is None:
            return None
        self._watermark = reached
        since = reached // 1_000_000 - OVERLAP_SECONDS
        for batch in self._archive.reaching(self.source, since * 1_000_000):
            self._hold(self._archive.observations(batch))
        return since if reached else None

    def _pages(self, since: int | None) -> Iterator[_Page]:
        """The pages of one query, each asked for when it is needed."""
        request: dict[str, Any] = {
            "Resource": "TrainingJob",
            "SortBy": "LastModifiedTime",
            "SortOrder": "Ascending",
            "MaxResults": PAGE_DOCUMENTS,
        }
        if since is not None:
            after = {
                "Name": "LastModifiedTime",
                "Operator": "GreaterThanOrEqualTo",
                "Value": datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            }
            request["SearchExpression"] = {"Filters": [after]}
        while True:
            response = self._client.search(**request)
            body: _Body | None = response.get("Body")
            if body is None:
                raise TrainyardError("every answer to Search was cut short: check the network, then run again")
            observed_at = _date(response)
            if self._looked_at is None:
                self._looked_at = observed_at
            documents = [bytes(result.TrainingJob) for result in body.Results]
            total = body.TotalHits.Value if body.TotalHits else None
            yield _Page([document for document in documents if document], observed_at, total or 0)
            if not body.NextToken:  # an empty page may well have one
                return
            if body.NextToken == request.get("NextToken"):
                raise TrainyardError("Search gives the same page over and over: run again later")
            request["NextToken"] = body.NextToken

    def _take(self, page: _Page, jobs: set[object]) -> int | None:
        """Keep what is new of a page, and which ``jobs`` it has; gives its last LastModifiedTime as a whole second."""
        second = None
        for received in page.documents:
            document = self._redactor.redact(received)
            arn, modified = _arn_and_time(document)
            jobs.add(arn or len(jobs))
            if modified is not None:
                second = math.floor(modified)
                # A time to come would hide all until then.
                self._watermark = max(self._watermark, round(min(modified, page.observed_at) * 1e6))
            may_be_held = modified is None or modified <= self._held_to
            if not (may_be_held and _digest(document) in self._held):
                self._pending.append(Observation(page.observed_at, document))
        return second

    def _commit(self) -> None:
        """Write what is pending as one batch; what a query from its last second on would give again is known then."""
        if not self._pending:
            return
        self._archive.append(self.source, self._pending, self._watermark)
        self.batches += 1
        self.documents += len(self._pending)
        second = self._watermark // 1_000_000
        self._hold(
            observation
            for observation in self._pending
            if (modified := _arn_and_time(observation.document)[1]) is None or modified >= second
        )
        self._pending = []

    def _hold(self, observations: Iterable[Observation]) -> None:
        for _, document in observations:
            self._held.add(_digest(document))
            self._held_to = max(self._held_to, _arn_and_time(document)[1] or 0)

    def _count_call(self, **_: object) -> None:
        self.calls += 1


def _take_body(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Take a page's documents past botocore's parser, which is slow and drops the members that it does not know.

    A 200 that is no page was cut short on the way, and botocore would let it pass: it becomes an error that is retried.
    """
    if response_dict["status_code"] != 200:
        return
    page = _page(response_dict["body"])
    if page is None:
        response_dict["status_code"] = 400
        response_dict["body"] = b'{"__type": "RequestTimeout"}'
    else:
        response_dict["body"] = b"{}"
        customized_response_dict["Body"] = page


def _page(body: bytes) -> _Body | None:
    """The page that a body is, also if documents in it are broken; None if it is none, or cut short."""
    for text in (body, mended(body)):
        with suppress(msgspec.DecodeError, RecursionError):
            return _BODY.decode(text)
    split = broken.split_page(mended(body))
    if split is None:
        return None
    rest, documents = split
    try:
        page = _BODY.decode(rest)
    except msgspec.DecodeError:
        return None
    page.Results = [_Result(msgspec.Raw(document)) for document in documents]
    return page


def _date(response: dict[str, Any]) -> float:
    """When the service answered, by its own clock if it tells, in epoch seconds."""
    try:
        return parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    except (KeyError, ValueError):
        return float(int(time.time()))


def _arn_and_time(document: bytes) -> tuple[str | None, float | None]:
    """The job's ARN and LastModifiedTime (epoch seconds), None for what is absent or no such thing."""
    try:
        job = _JOB.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, None
    arn, modified = job.TrainingJobArn, job.LastModifiedTime
    is_time = type(modified) in (int, float) and 0 <= modified <= _LATEST
    return arn if isinstance(arn, str) else None, modified if is_time else None


def _digest(document: bytes) -> bytes:
    """The same for the same job, though its members come in another order, and MetricDefinitions always do."""
    try:
        job = msgspec.json.decode(document)
        algorithm = job["AlgorithmSpecification"]
        algorithm["MetricDefinitions"] = sorted(algorithm["MetricDefinitions"], key=msgspec.json.encode)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return blake2b(document, digest_size=16).digest()
    except (KeyError, TypeError):
        pass  # has none
    return blake2b(msgspec.json.encode(job, order="sorted"), digest_size=16).digest()
