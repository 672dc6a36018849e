"""The harvest's hook takes pages past botocore's parser and changes nothing of what botocore retries, or raises."""

import json

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from pipelines.errors import TrainyardError
from pipelines.harvest.calls import Calls

URL = "https://api.sagemaker.us-east-1.amazonaws.com/"
ATTEMPTS = 4
PAGE = json.dumps({"Results": [{"TrainingJob": {"TrainingJobName": "a"}}], "TotalHits": {"Value": 1}}).encode()


class Content:
    def __init__(self, content):
        self.content = content

    def stream(self, **_):
        if isinstance(self.content, Exception):
            raise self.content
        yield self.content


def answer(status, body):
    content = body if isinstance(body, bytes | Exception) else json.dumps(body).encode()
    return AWSResponse(URL, status, {"content-type": "application/x-amz-json-1.1"}, Content(content))


def client_that_gets(answers, has_hook, mode):
    """A client whose n-th attempt gets the n-th answer (the last one over and over), and the list of its attempts."""
    client = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="made-up",
        config=Config(retries={"mode": mode, "total_max_attempts": ATTEMPTS}),
    )
    attempts = []

    def send(request, **_):
        attempts.append(request)
        given = answers[min(len(attempts), len(answers)) - 1]()
        if isinstance(given, Exception):
            raise given
        return given

    client.meta.events.register("before-send.sagemaker.Search", send)
    if has_hook:
        Calls(client)
    return client, attempts


def outcome(answers, has_hook, mode):
    """How many attempts a search made, what it raised, and how many times it says that it tried again."""
    client, attempts = client_that_gets([page, *answers], has_hook, mode)
    client.search(Resource="TrainingJob")  # one that never answered is given up soon
    attempts_before = len(attempts)
    try:
        response = client.search(Resource="TrainingJob")
    except ClientError as error:
        details = error.response["ResponseMetadata"]
        return len(attempts) - attempts_before, str(error), details["HTTPStatusCode"], details["RetryAttempts"]
    except BotoCoreError as error:
        return len(attempts) - attempts_before, str(error), None, None
    documents = (json.loads(response["Body"]) if has_hook else response)["Results"]
    return len(attempts) - attempts_before, len(documents), 200, response["ResponseMetadata"]["RetryAttempts"]


def page():
    return answer(200, PAGE)


FAULTS = {
    "throttled": lambda: answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"}),
    "too many requests": lambda: answer(429, b""),
    "internal error": lambda: answer(500, {"__type": "InternalFailure"}),
    "unavailable, with a page for people": lambda: answer(503, b"<html>busy</html>"),
    "bad gateway": lambda: answer(502, b""),
    "connection dropped": lambda: ConnectionClosedError(endpoint_url=URL),
    "no connection": lambda: EndpointConnectionError(endpoint_url=URL, error="refused"),
    "connecting took too long": lambda: ConnectTimeoutError(endpoint_url=URL),
    "reading took too long": lambda: ReadTimeoutError(endpoint_url=URL),
    "dropped in the middle of a page": lambda: ResponseStreamingError(error="connection broken: IncompleteRead"),
    "not allowed": lambda: answer(400, {"__type": "AccessDeniedException", "message": "no"}),
    "not valid": lambda: answer(400, {"__type": "ValidationException", "message": "no"}),
    "expired": lambda: answer(400, {"__type": "ExpiredTokenException", "message": "old"}),
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.mark.parametrize("mode", ["standard", "adaptive"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, ATTEMPTS])
def test_a_fault_is_retried_as_without_the_hook(fault, times, mode):
    answers = [FAULTS[fault]] * times + [page] * (times < ATTEMPTS)
    plain = outcome(answers, False, mode)
    assert outcome(answers, True, mode) == plain
    assert plain[0] == {"not allowed": 1, "not valid": 1, "expired": 1}.get(fault, 2 if times == 1 else ATTEMPTS)


def test_a_page_that_was_cut_short_is_retried_where_botocore_would_believe_it():
    answers = [lambda: answer(200, PAGE[:40]), page]
    client, attempts = client_that_gets(answers, False, "standard")
    assert "Results" not in client.search(Resource="TrainingJob")
    assert len(attempts) == 1
    assert outcome(answers, True, "standard") == (2, 1, 200, 1)


def test_a_page_that_is_cut_short_every_time_is_an_error(monkeypatch):
    monkeypatch.setattr("pipelines.harvest.calls.PATIENCE_SECONDS", 0)
    client, attempts = client_that_gets([lambda: answer(200, PAGE[:40])], False, "standard")
    with pytest.raises(TrainyardError, match="cut short"):
        Calls(client).ask("Search", Resource="TrainingJob")
    assert len(attempts) == ATTEMPTS
