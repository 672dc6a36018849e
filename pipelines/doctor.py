"""What stands in the way of a run, found before one is begun: versions, disk, credentials, permissions, clock.

Here: looking, and what each finding means for the user. Nothing is changed, and a source is asked few things. Not
here: settings that are not allowed (``config`` refuses them), and how things stand (``status``).
"""

from __future__ import annotations

import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import ClientError

from pipelines import price_list, service_quotas
from pipelines.cloudwatch.metric_data import ask_for_nothing
from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import lake_tables
from pipelines.harvest import search
from pipelines.harvest.calls import Calls, is_denied
from pipelines.harvest.describe import describe
from pipelines.harvest.listing import listed
from pipelines.harvest.outcome import FAILURES, Outcome, explain
from pipelines.harvest.sources import MOST_ASKED_AT_ONCE, Source, find_sources
from pipelines.harvest.tags import list_tags
from pipelines.home import Home

# A build and its published file are made beside those that readers still have open.
ROOM_FOR_A_BUILD = 3
LEAST_FREE_BYTES = 2**30
# AWS refuses what is signed more than five minutes off.
CLOCK_OFF_SECONDS = 60
DAY_SECONDS = 86_400

Found = TypeVar("Found")


class Level(StrEnum):
    """How bad it is: a run goes through all the same, goes without something, or fails."""

    ok = "ok"
    warning = "warning"
    failed = "failed"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``told`` says what is the matter and what to do."""

    level: Level
    subject: str
    told: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything; raises TrainyardError where the data directory is a demo's, and the sources are not."""
    yield from _versions()
    yield from _data_directory(Home(settings.home))
    with ThreadPoolExecutor(MOST_ASKED_AT_ONCE) as threads:
        for findings in threads.map(lambda source: list(_source(source, settings)), find_sources(settings)):
            yield from findings


def _versions() -> Iterator[Finding]:
    packages = [f"{name} {version(name)}" for name in ("trainyard", "duckdb", "botocore", "pyarrow", "dagster")]
    yield Finding(Level.ok, "versions", ", ".join([f"Python {platform.python_version()}", *packages]))
    lacking = [
        f"{table.name}.{member.column.name}"
        for table in lake_tables()
        for member in table.members
        if member.column.node is None
    ]
    if lacking:
        told = f"does not know {len(lacking)} columns of the lake, as {lacking[0]}, which stay empty: upgrade boto3"
        yield Finding(Level.warning, "botocore", told)


def _data_directory(home: Home) -> Iterator[Finding]:
    folder = next(path for path in (home.root.absolute(), *home.root.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        told = f"{folder} cannot be written to ({error.strerror}): correct this, or set TRAINYARD_HOME"
        yield Finding(Level.failed, "data directory", told)
        return
    if home.mirror:
        try:
            etag = home.mirror.bucket.etag("lake/manifest.json")
            next(home.mirror.bucket.listed(""), None)
        except TrainyardError as error:
            yield Finding(Level.failed, "bucket", str(error))
            return
        yield Finding(Level.ok, "bucket", f"{home.place} may be {'listed and read' if etag else 'listed'}")
    free = shutil.disk_usage(folder).free
    held = sum(map(_size, [*home.lake.rglob("*"), *home.builds.rglob("*"), home.warehouse]))
    needed = max(LEAST_FREE_BYTES, ROOM_FOR_A_BUILD * held)
    told = f"{home.root}: {free / 2**30:,.1f} GiB free"
    if free < needed:
        yield Finding(Level.warning, "data directory", f"{told}: a build may need {needed / 2**30:,.1f}, make room")
    else:
        yield Finding(Level.ok, "data directory", told)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # removed meanwhile
        return 0


def _source(source: Source | Outcome, settings: Settings) -> Iterator[Finding]:
    """What comes of asking for a job by each operation that a run may need, and for a price and a quota if so set."""
    if isinstance(source, Outcome):
        yield Finding(Level.failed, source.source, str(source.error))
        return
    calls, denied = Calls(source.client), []

    def asked(ask: Callable[[], Found]) -> Found | None:
        """What is found, or None where asking is denied, which is noted."""
        try:
            return ask()
        except ClientError as error:
            if not is_denied(error):
                raise
            denied.append((error.operation_name, explain(error)))
            return None

    try:
        page = asked(lambda: search.newest(calls, None))
        summaries, answered_at = asked(lambda: next(listed(calls, None))) or ([], None)
        named = [(job.name, job.arn) for job in (page.jobs if page else summaries) if job.name and job.arn]
        if named:
            name, arn = named[0]
            asked(lambda: describe(calls, name))
            asked(lambda: list_tags(calls, arn))
    except FAILURES as error:
        yield Finding(Level.failed, source.name, explain(error))
        return
    yield from _permissions(source.name, dict(denied), has_job=bool(named))
    if settings.cloudwatch:
        yield from _option(source, ask_for_nothing, "hardware use stays unknown")
    if settings.price_list:
        yield from _option(source, price_list.ask_one, "no new prices, but by other sources of its region")
    if settings.service_quotas:
        yield from _option(source, service_quotas.ask_one, "no new quotas")
    yield from _clock(source.name, page.answered_at if page else answered_at)


def _permissions(source: str, denied: dict[str, str], *, has_job: bool) -> Iterator[Finding]:
    if {"Search", "ListTrainingJobs"} <= denied.keys():
        yield Finding(Level.failed, source, denied["Search"])
        return
    lacks = list(_lacks(source, denied))
    if not lacks:
        told = "may be harvested" if has_job else "may be harvested, has no training jobs yet"
        yield Finding(Level.ok, source, told)
    yield from lacks


def _lacks(source: str, denied: dict[str, str]) -> Iterator[Finding]:
    """What a source that may be harvested lacks for it, or goes without."""
    for operation, told in denied.items():
        if "Search" in denied and operation != "Search":
            yield Finding(Level.failed, source, f"Search is denied, and so is what stands in for it: {told}")
        elif operation == "Search":
            yield Finding(Level.warning, source, f"{told}; jobs are listed instead, at two calls a changed one")
        elif operation == "DescribeTrainingJob":
            lost = "jobs keep the gaps that Search leaves, and `verify` confirms deletions by Search alone"
            yield Finding(Level.warning, source, f"{told}; {lost}")
        # What stands in for Search is not needed where that is allowed.


def _option(source: Source, ask_one: Callable[[Source], object], lost: str) -> Iterator[Finding]:
    """What comes of asking a service that a run can do without."""
    try:
        ask_one(source)
    except FAILURES as error:
        yield Finding(Level.warning, source.name, f"{explain(error)}; {lost}")


def _clock(source: str, answered_at: float | None) -> Iterator[Finding]:
    off = time.time() - answered_at if answered_at else 0.0
    if abs(off) > CLOCK_OFF_SECONDS:
        days = round(abs(off) / DAY_SECONDS)
        far = f"{days:,} days" if days > 1 else f"{abs(off):,.0f} seconds"
        told = f"this machine's clock is {far} {'ahead' if off > 0 else 'behind'}"
        yield Finding(Level.warning, source, f"{told}: set it, AWS refuses requests that are 5 minutes off")
