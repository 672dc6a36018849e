"""A page of Search to its documents: the harvest's hook beside boto3's own parser, in the same client.

    hook    the harvest's: the page's documents as they were received, and which version of which job each is
    boto3   what `client.search` gives without it
    empty   a page without documents: what signing and sending cost, which both have

The real client signs, sends and parses; only the network is replaced, by a recorded page of 100 documents.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from benchmarks.documents import documents_file
from benchmarks.measure import Target, measure, median, publish, report
from pipelines.harvest.calls import Calls
from pipelines.harvest.search import PAGE_JOBS, newest

PAGES = 200
CONTESTANTS = ("hook", "boto3", "empty")


class _Content:
    """A body as urllib3 would give it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> list[bytes]:
        return [self._content]


def _client(body: bytes) -> Any:
    client = boto3.client(
        "sagemaker", region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="made-up"
    )

    def answer(**_: object) -> AWSResponse:
        headers = {"content-type": "application/x-amz-json-1.1", "content-length": str(len(body))}
        return AWSResponse("https://sagemaker.example/", 200, headers, _Content(body))

    client.meta.events.register("before-send.sagemaker.Search", answer)
    return client


def _page(documents: Path) -> bytes:
    with documents.open("rb") as file:
        lines = [line.rstrip() for line in itertools.islice(file, PAGE_JOBS)]
    results = b",".join(b'{"TrainingJob":%s}' % line for line in lines)
    return b'{"NextToken":"next","Results":[%s],"TotalHits":{"Relation":"EqualTo","Value":%d}}' % (results, len(lines))


def _be(contestant: str, documents: Path) -> None:
    client = _client(b'{"Results":[]}' if contestant == "empty" else _page(documents))
    calls = Calls(client) if contestant == "hook" else None

    def pages(count: int) -> None:
        for _ in range(count):
            received = newest(calls, None).jobs if calls else client.search(Resource="TrainingJob")["Results"]
            assert len(received) == (0 if contestant == "empty" else PAGE_JOBS)

    pages(2)
    report(lambda: pages(PAGES))


def main() -> None:
    """Measure and publish; or, as a child, be one of the contestants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    documents = documents_file(PAGE_JOBS * 100)
    if options.contestant:
        _be(options.contestant, documents)
        return
    runs = measure(__spec__.name, CONTESTANTS, [], options.repetitions)
    cpu = {name: median(measured).cpu_seconds for name, measured in runs.items()}
    targets = [
        Target(
            "CPU of boto3 : hook, for the documents alone",
            (cpu["boto3"] - cpu["empty"]) / (cpu["hook"] - cpu["empty"]),
            25,
            at_least=True,
        ),
        Target("CPU of boto3 : hook, with signing and sending", cpu["boto3"] / cpu["hook"], 10, at_least=True),
    ]
    publish("pages", dict.fromkeys(CONTESTANTS, PAGES * PAGE_JOBS), runs, "hook", targets)


if __name__ == "__main__":
    main()
