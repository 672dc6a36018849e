"""Calls and jobs a second of a harvest, beside the way of listing all jobs and asking about each.

    python -m benchmarks.calls

Both ask the same simulated SageMaker, which runs in a process of its own and waits before each answer. The result is
printed, and kept in ``results/calls.json``. Not here: what happens to documents after they are in raw.
"""

from __future__ import annotations

import http.client
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from pipelines.harvest.calls import Calls
from pipelines.harvest.one_pass import Pass
from pipelines.harvest.redact import Redactor
from pipelines.simulator.made_fleet import END_SECONDS, made_documents
from pipelines.simulator.rewind import final_instant, rewind

RESULTS = Path(__file__).parent / "results" / "calls.json"
JOBS = 100_000
CHANGED = JOBS // 100
LATENCY_SECONDS = 0.05
PEER_JOBS = {1: 400, 8: 3_000}  # by concurrency: as many as take about a minute


class Service:
    """A simulator in another process, and the way to drive it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def tell(self, name: str, content: Any) -> None:
        """Change the clock, the faults or the count of calls."""
        self._control("POST", name, json.dumps(content))

    def calls(self) -> dict[str, int]:
        """Calls by operation since they were last set to none."""
        return self._control("GET", "calls", None)

    def client(self, concurrency: int = 1) -> Any:
        """A client of SageMaker there."""
        return boto3.client(
            "sagemaker",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="benchmark",
            aws_secret_access_key="benchmark",
            config=Config(max_pool_connections=concurrency, retries={"mode": "adaptive"}),
        )

    def _control(self, method: str, name: str, body: str | None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        connection.request(method, f"/_simulator/{name}", body)
        return json.loads(connection.getresponse().read())


@contextmanager
def simulator(documents: list[dict[str, Any]]) -> Iterator[Service]:
    """Serve documents from a process of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as fleet:
        fleet.writelines(json.dumps(document) + "\n" for document in documents)
        fleet.flush()
        command = [sys.executable, "-m", "pipelines.cli", "simulate", fleet.name, "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield Service(process.stdout.readline().split()[4].rstrip(":"))
            finally:
                process.kill()


def harvest(service: Service, home: Path) -> dict[str, Any]:
    """One pass as `trainyard run` makes it, less the limit on calls a second."""
    service.tell("calls", {})
    one_pass = Pass("benchmark", Calls(service.client()), home, Redactor())
    cpu, wall = time.process_time(), time.perf_counter()
    one_pass.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    made = service.calls()
    assert sum(made.values()) == one_pass.calls
    return result(one_pass.documents, made, wall, cpu)


def list_and_describe(service: Service, concurrency: int) -> dict[str, Any]:
    """The peers' way: list all jobs, then describe each and list its tags, ``concurrency`` jobs at a time."""
    service.tell("calls", {})
    client = service.client(concurrency)
    cpu, wall = time.process_time(), time.perf_counter()
    pages = client.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 100})
    summaries = [summary for page in pages for summary in page["TrainingJobSummaries"]]

    def ask(summary: dict[str, Any]) -> dict[str, Any]:
        job = client.describe_training_job(TrainingJobName=summary["TrainingJobName"])
        job["Tags"] = client.list_tags(ResourceArn=summary["TrainingJobArn"])["Tags"]
        return job

    with ThreadPoolExecutor(concurrency) as pool:
        jobs = list(pool.map(ask, summaries))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return result(len(jobs), service.calls(), wall, cpu)


def result(jobs: int, calls: dict[str, int], wall_seconds: float, cpu_seconds: float) -> dict[str, Any]:
    """One line of the table."""
    return {
        "jobs": jobs,
        "calls": sum(calls.values()),
        "calls_by_operation": calls,
        "calls_per_job": round(sum(calls.values()) / jobs, 5) if jobs else None,
        "wall_seconds": round(wall_seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "jobs_per_second": round(jobs / wall_seconds, 1),
    }


def changes(documents: list[dict[str, Any]], since: float, until: float) -> int:
    """How many jobs are not the same at two instants."""
    return sum(
        rewind(document, since) != rewind(document, until)
        for document in documents
        if final_instant(document) > since and document["CreationTime"] <= until
    )


def instant_after_changes(documents: list[dict[str, Any]], since: float, count: int) -> float:
    """The second by which ``count`` jobs have changed."""
    first, last = int(since), int(since) + 86_400 * 30
    while first < last:
        middle = (first + last) // 2
        first, last = (first, middle) if changes(documents, since, middle) >= count else (middle + 1, last)
    return first


def measure() -> dict[str, dict[str, Any]]:
    """Every line of the table, by its name."""
    documents = sorted(
        made_documents(seed=1, jobs=JOBS + 3 * CHANGED, end=END_SECONDS), key=lambda job: job["CreationTime"]
    )
    first = documents[JOBS - 1]["CreationTime"]
    then = instant_after_changes(documents, first, CHANGED)
    lines: dict[str, dict[str, Any]] = {}
    slow = [{"kind": "slow", "seconds": LATENCY_SECONDS}]
    with simulator(documents) as service, tempfile.TemporaryDirectory() as folder:
        service.tell("faults", slow)
        service.tell("clock", {"now": first})
        harvest_home = Path(folder)
        service.client().search(Resource="TrainingJob", MaxResults=1)  # so that the simulator has made its view
        lines["first harvest"] = harvest(service, harvest_home)
        lines["quiet run"] = harvest(service, harvest_home)
        service.tell("clock", {"now": then})
        service.client().search(Resource="TrainingJob", MaxResults=1)
        lines["after 1 % changed"] = harvest(service, harvest_home)
        lines["quiet run again"] = harvest(service, harvest_home)
    for concurrency, jobs in PEER_JOBS.items():
        with simulator(documents[:jobs]) as service, tempfile.TemporaryDirectory() as folder:
            service.tell("faults", slow)
            name = f"{concurrency} at a time"
            lines[f"list + describe + list-tags, {name}"] = list_and_describe(service, concurrency)
            lines[f"harvest of the same jobs as {name}"] = harvest(service, Path(folder))
    return lines


def main() -> None:
    """Measure, print, keep."""
    lines = measure()
    machine = {"python": platform.python_version(), "processor": platform.machine(), "latency_seconds": LATENCY_SECONDS}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "lines": lines}, indent=2) + "\n")
    columns = ("jobs", "calls", "calls_per_job", "wall_seconds", "cpu_seconds", "jobs_per_second")
    table = Table(
        "", *(column.replace("_", " ") for column in columns), title=f"latency {LATENCY_SECONDS * 1000:.0f} ms"
    )
    for name, line in lines.items():
        table.add_row(name, *(f"{line[column]:,}" if line[column] is not None else "" for column in columns))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
