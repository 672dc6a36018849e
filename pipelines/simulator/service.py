"""SageMaker's operations on the training jobs of a fleet, as AWS JSON 1.1.

Here: what each answers. Not here: the search language (``search``), the order of jobs (``view``), HTTP (``server``).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from pipelines.simulator import search, shapes
from pipelines.simulator.errors import ServiceError, invalid
from pipelines.simulator.fleet import Document, Fleet
from pipelines.simulator.paging import Parameters, page_of, question_of, start_of, token_at
from pipelines.simulator.view import Timeline, View

CONTENT_TYPE = "application/x-amz-json-1.1"
DEFAULT_RESULTS = 10
DEFAULT_TAGS = 50
LIST_SORT_MEMBERS = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}
NOT_FOUND = "Requested resource not found."


class SageMaker:
    """The service at an instant; ``now`` (epoch seconds) may be set to any other.

    ``index_delay_seconds``: how late Search shows a job's changes. ``most_hits``: what one search gives at most.
    """

    def __init__(
        self,
        fleet: Fleet,
        now: float,
        index_delay_seconds: Callable[[Document], float] | None = None,
        most_hits: int | None = None,
    ) -> None:
        self._jobs = Timeline(fleet)
        self._index = Timeline(fleet, index_delay_seconds) if index_delay_seconds else self._jobs
        self._most_hits = most_hits
        self._views: dict[Timeline, View] = {}
        self._now = now
        self._operations: dict[str, Callable[[View, Parameters], bytes]] = {
            "Search": self._search,
            "ListTrainingJobs": self._list_training_jobs,
            "DescribeTrainingJob": self._describe_training_job,
            "ListTags": self._list_tags,
        }

    @property
    def now(self) -> float:
        """The clock, in epoch seconds."""
        return self._now

    @now.setter
    def now(self, now: float) -> None:
        if now != self._now:
            self._now = now
            self._views.clear()

    def respond(self, operation: str, body: bytes, place: tuple[str, str] | None, is_empty_page: bool = False) -> bytes:
        """The answer to a call; raises ``ServiceError``.

        ``place``: the account and region whose jobs the caller sees, None for all. ``is_empty_page``: a search finds
        nothing on this page, and its token goes on from where the page began.
        """
        if operation not in self._operations:
            raise ServiceError("UnknownOperationException", f"The simulator has no operation {operation}.")
        try:
            parameters = msgspec.json.decode(body, type=Parameters)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ServiceError("SerializationException", str(error)) from error
        shapes.check(operation, parameters)
        given = {name: value for name, value in parameters.items() if value is not None}
        timeline = self._index if operation == "Search" else self._jobs
        if timeline not in self._views:
            self._views[timeline] = timeline.at(self._now)
        view = self._views[timeline].within(place)
        if is_empty_page and operation == "Search":
            return self._search(view, given, is_empty_page=True)
        return self._operations[operation](view, given)

    def _search(self, view: View, parameters: Parameters, is_empty_page: bool = False) -> bytes:
        if parameters["Resource"] != "TrainingJob":
            raise invalid(f"The simulator has no resources of type {parameters['Resource']}.")
        question = question_of("Search", parameters)
        found = view.find(
            question,
            search.compiled(parameters.get("SearchExpression")),
            parameters.get("SortBy", "CreationTime"),
            parameters.get("SortOrder", "Descending") == "Descending",
        )
        start = start_of(question, parameters)
        end = start if is_empty_page else start + parameters.get("MaxResults", DEFAULT_RESULTS)
        last = len(found) if self._most_hits is None else min(len(found), self._most_hits)
        token = b',"NextToken":"%s"' % token_at(question, end).encode() if end < last else b""
        results = b",".join(record.search_result for record in found[start : min(end, last)])
        return b'{"Results":[%s]%s,"TotalHits":{"Value":%d,"Relation":"EqualTo"}}' % (results, token, len(found))

    def _list_training_jobs(self, view: View, parameters: Parameters) -> bytes:
        """Filters run after paging, as in the service: a page may be short or empty and still have a successor."""
        question = question_of("ListTrainingJobs", parameters)
        listed = view.find(
            question,
            search.EVERYTHING,
            LIST_SORT_MEMBERS[parameters.get("SortBy", "CreationTime")],
            parameters.get("SortOrder", "Descending") == "Descending",  # as observed; documented as Ascending
        )
        page, token = page_of(listed, question, parameters, DEFAULT_RESULTS)
        summaries = [_summary(record.document) for record in page if _is_listed(record.document, parameters)]
        return msgspec.json.encode({"TrainingJobSummaries": summaries, **token})

    def _describe_training_job(self, view: View, parameters: Parameters) -> bytes:
        record = view.by_name.get(parameters["TrainingJobName"])
        if record is None:
            raise invalid(NOT_FOUND)
        return msgspec.json.encode({name: value for name, value in record.document.items() if name != "Tags"})

    def _list_tags(self, view: View, parameters: Parameters) -> bytes:
        record = view.by_arn.get(parameters["ResourceArn"])
        if record is None:
            raise invalid(NOT_FOUND)
        tags = record.document.get("Tags") or []
        page, token = page_of(tags, question_of("ListTags", parameters), parameters, DEFAULT_TAGS)
        return msgspec.json.encode({"Tags": page, **token})


def _summary(document: Document) -> Document:
    plan = (document.get("ResourceConfig") or {}).get("TrainingPlanArn")
    members = {"TrainingPlanArn": plan, **document}
    return {name: members[name] for name in shapes.summary_members() if members.get(name) is not None}


def _is_listed(document: Document, parameters: Parameters) -> bool:
    summary = _summary(document)
    return all(
        (
            parameters.get("NameContains", "") in str(document.get("TrainingJobName")),
            _is_between(document.get("CreationTime"), "CreationTime", parameters),
            _is_between(document.get("LastModifiedTime"), "LastModifiedTime", parameters),
            parameters.get("StatusEquals") in (None, summary.get("TrainingJobStatus")),
            parameters.get("WarmPoolStatusEquals") in (None, summary.get("WarmPoolStatus", {}).get("Status")),
            parameters.get("TrainingPlanArnEquals") in (None, summary.get("TrainingPlanArn")),
        )
    )


def _is_between(instant: float | None, name: str, parameters: Parameters) -> bool:
    after, before = parameters.get(f"{name}After"), parameters.get(f"{name}Before")
    if instant is None:
        return after is None and before is None
    return (after is None or instant > after) and (before is None or instant < before)
