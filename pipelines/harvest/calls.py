"""Calls to one source: each is tried with patience, and its answer is taken as it was received.

Here: what is tried again (beyond what botocore does), credentials that expire, answers cut short, pages, the service's
clock, the count of calls, answers of another shape. Not here: what is asked, and what is read off an answer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from botocore import xform_name
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from pipelines.errors import TrainyardError
from pipelines.harvest import broken
from pipelines.harvest.first_contact import FirstContact
from pipelines.harvest.mend import mended

# After botocore has given a call up (its own retries are rationed): so long is it tried on, with pauses that double.
PATIENCE_SECONDS = 120
LONGEST_PAUSE_SECONDS = 16

# botocore lets a 200 answer that was cut short pass as a success without members: one without these is none.
_REQUIRED = {
    "GetProducts": "PriceList",
    "ListServiceQuotas": "Quotas",
    "Search": "Results",
    "ListTrainingJobs": "TrainingJobSummaries",
    "DescribeTrainingJob": "TrainingJobArn",
    "ListTags": "Tags",
    "GetMetricData": "MetricDataResults",
}
_PASSING = {"RequestTimeout", "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {"AccessDenied", "AccessDeniedException"}
# If a NextToken was sent, these codes most likely mean that it was refused.
_REFUSED = {"ValidationException", "InvalidNextToken"}
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])

Shape = TypeVar("Shape")


class _Token(msgspec.Struct):
    NextToken: str | None = None


_TOKEN = msgspec.json.Decoder(_Token)


class Answer(NamedTuple):
    """The body of an answer (JSON, as received), when it was given (epoch seconds, the service's clock), and whether
    there are pages after it.

    A page of ``Search`` that is no JSON because of some of its documents has them all in ``broken``, as they are.
    """

    body: bytes
    answered_at: float
    is_last: bool
    broken: list[bytes]


class TokenRefusedError(TrainyardError):
    """The NextToken of a page is not taken, as when it has expired."""


class _CutShortError(TrainyardError):
    """Every answer was cut short, however often botocore tried."""


class Calls:
    """The calls to one service of a source. ``new_client`` makes a client with new credentials.

    ``made`` counts the calls by operation, those that failed too. May be used by several threads.
    """

    def __init__(self, client: Any, new_client: Callable[[], Any] | None = None) -> None:
        self.made: Counter[str] = Counter()
        self._client = self._watched(client)
        self._new_client = new_client
        self._lock = threading.Lock()

    @classmethod
    def by(cls, new_client: Callable[[], Any]) -> Calls:
        """The calls by a client that this makes, as it makes the next one with new credentials."""
        return cls(new_client(), new_client)

    def ask(self, operation: str, **parameters: Any) -> Answer:
        """Call an operation, named as the service does; raises botocore's errors, TokenRefusedError, TrainyardError."""
        failed_at = None
        pause_seconds = 1
        while True:
            client = self._client
            try:
                return _answer(operation, getattr(client, xform_name(operation))(**parameters))
            except (ClientError, HTTPClientError, NoConnectionError, ResponseParserError, _CutShortError) as error:
                if _code(error) in _EXPIRED and self._renew(client):
                    continue
                if _code(error) in _REFUSED and "NextToken" in parameters:
                    raise TokenRefusedError(f"{operation} refuses its own tokens: run again later ({error})") from error
                failed_at = failed_at or time.monotonic()
                if not self._may_pass(error) or time.monotonic() + pause_seconds > failed_at + PATIENCE_SECONDS:
                    raise
            time.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    def pages(self, operation: str, **parameters: Any) -> Iterator[Answer]:
        """The pages of an operation, each asked for when it is needed; an empty page may well not be the last."""
        while True:
            answer = self.ask(operation, **parameters)
            yield answer
            if answer.is_last:
                return
            token = _TOKEN.decode(answer.body).NextToken
            if token == parameters.get("NextToken"):
                raise TrainyardError(f"{operation} gives the same page over and over: run again later")
            parameters["NextToken"] = token

    def _renew(self, refused: Any) -> bool:
        """Take new credentials, once; False if that has not helped."""
        with self._lock:
            if self._client is not refused:  # another thread has
                return True
            if self._new_client is None:
                return False
            self._client = self._watched(self._new_client())
            self._new_client = None
            return True

    def _watched(self, client: Any) -> Any:
        self._contact = FirstContact(client)
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-send.{service}", self._count)
        # The id is for a client that was given to others before: its answers are taken once.
        client.meta.events.register(f"before-parse.{service}", _take_body, unique_id="trainyard-take-body")
        return client

    def _may_pass(self, error: Exception) -> bool:
        if not self._contact.is_made:  # no network, or no credentials to ask with
            return False
        if isinstance(error, ClientError):
            return _code(error) in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        return True

    def _count(self, event_name: str, **_: object) -> None:
        with self._lock:
            self.made[event_name.rpartition(".")[2]] += 1


def decoded(decoder: msgspec.json.Decoder[Shape], body: bytes, operation: str) -> Shape:
    """The body of an operation's answer; raises TrainyardError where it is of another shape than AWS documents."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise no_page(operation, error) from None


def no_page(operation: str, why: object) -> TrainyardError:
    """The error that an operation's answer is not what AWS documents."""
    return TrainyardError(f"{operation} gives what is no page ({why}): check the endpoint, then run again")


def is_denied(error: ClientError) -> bool:
    """Does an error say that the caller lacks a permission?"""
    return _code(error) in _DENIED


def is_not_found(error: ClientError) -> bool:
    """Does an error say that there is no such job (any more)?"""
    return _code(error) in {"ValidationException", "ResourceNotFound"} and "not found" in str(error)


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _take_body(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Take an answer past botocore's parser, which is slow and drops the members that it does not know.

    A 200 that was cut short becomes an error that is retried.
    """
    required = _REQUIRED.get(operation_model.name)
    if response_dict["status_code"] != 200 or required is None:
        return
    body, documents = _readable(response_dict["body"])
    if body is not None and required in _MEMBERS.decode(body):
        response_dict["body"] = b"{}"
        customized_response_dict.update(Body=body, Broken=documents)
    else:
        response_dict["status_code"] = 400
        response_dict["body"] = b'{"__type": "RequestTimeout"}'


def _readable(body: bytes) -> tuple[bytes | None, list[bytes]]:
    """An object that can be decoded, if there is one, and the documents that had to be taken out of it for that."""
    for text in (body, mended(body)):
        with suppress(msgspec.DecodeError, RecursionError):
            _MEMBERS.decode(text)
            return text, []
    rest, documents = broken.split_page(mended(body)) or (b"", [])
    with suppress(msgspec.DecodeError, RecursionError):
        _MEMBERS.decode(rest)
        return rest, documents
    return None, []


def _answer(operation: str, response: dict[str, Any]) -> Answer:
    body: bytes | None = response.get("Body")
    if body is None:  # botocore goes by the status that was received
        raise _CutShortError(f"every answer to {operation} was cut short: check the network, then run again")
    token = decoded(_TOKEN, body, operation).NextToken
    return Answer(body, _date(response), not token, response["Broken"])


def _date(response: dict[str, Any]) -> float:
    """When the service answered, by its own clock if it tells, in epoch seconds."""
    try:
        return parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    except (KeyError, ValueError):
        return float(int(time.time()))
