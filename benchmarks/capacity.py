"""The arithmetic of the plan: what a fleet asks of the service, the disk and the hour, from what was measured.

Here: fleets, the constants that the other benchmarks measured, what follows for a fleet, and the limits that it is held
against. All is per job, file, account or call, carried on in straight lines; nothing here was tried at these sizes. Not
here: the page that tells it (``plan``), and measuring (``footprint`` and the others).
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import msgspec
from s3transfer.manager import TransferConfig

from benchmarks.lakes import months_of
from pipelines.assets.prune import RUNS_KEPT
from pipelines.bucket.lease import RENEWAL_SECONDS
from pipelines.bucket.objects import REMOVED_AT_ONCE, TRANSFERS_AT_ONCE
from pipelines.cloudwatch.batches import QUERIES_A_CALL
from pipelines.cloudwatch.windows import KEPT_SECONDS
from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import lake_tables
from pipelines.harvest.merge import MOST_BYTES
from pipelines.harvest.outcome import Outcome
from pipelines.harvest.side_by_side import MOST_AT_ONCE
from pipelines.lake.load import DOCUMENTS_A_COMMIT
from pipelines.lake.prune import GRACE_SECONDS
from pipelines.models.catalogue import load_catalogue
from pipelines.models.parts import JOBS_A_PART
from pipelines.shipped import shipped

HOUR_SECONDS = 3_600
DAY_SECONDS = 24 * HOUR_SECONDS
DAYS_A_MONTH = 365 / 12
RUNS_A_DAY = 24
GIB, MIB = 2**30, 2**20
LISTED_AT_ONCE = REMOVED_AT_ONCE  # a listing gives as many
UPLOAD_PART_BYTES: int = TransferConfig().multipart_chunksize

# What a fleet is held against.
CALLS_A_SECOND: float = Settings.model_fields["calls_per_second"].default
MEMORY_BYTES = 8 * GIB
DISK_BYTES = 10**12
BYTES_AN_INODE = 16_384  # as mke2fs makes them unless it is told otherwise
NETWORK_BYTES_A_SECOND = 125_000_000


@dataclass(frozen=True)
class Fleet:
    """Accounts, the regions that each uses, months of history, and the jobs in all of it, as many each day.

    ``share_changed_after_end``: of the jobs, those whose record changes once more after they have ended.
    """

    name: str
    accounts: int
    regions: int
    months: int
    jobs: int
    share_changed_after_end: float = 0.1

    @property
    def sources(self) -> int:
        """Accounts, in each of their regions."""
        return self.accounts * self.regions

    @property
    def jobs_a_month(self) -> float:
        """As many each month."""
        return self.jobs / self.months

    @property
    def jobs_a_day(self) -> float:
        """As many each day."""
        return self.jobs_a_month / DAYS_A_MONTH

    def with_accounts(self, accounts: int) -> Fleet:
        """The same with another number of such accounts."""
        return replace(self, accounts=accounts, jobs=self.jobs * accounts // self.accounts)


FLEETS = (
    Fleet("1 account", 1, 1, 12, 100_000),
    Fleet("50 accounts", 50, 2, 24, 10_000_000),
    Fleet("1,000 accounts", 1_000, 2, 36, 1_000_000_000),
)


@dataclass(frozen=True)
class Growth:
    """What grows with jobs: straight between the sizes that were measured, ``points`` in order, and on from the last.

    It never falls.
    """

    points: tuple[tuple[float, float], ...]

    def at(self, jobs: float) -> float:
        """How much it is with so many jobs."""
        after = min(max(1, bisect_left(self.points, (jobs,))), len(self.points) - 1)
        (fewer, least), (more, most) = self.points[after - 1], self.points[after]
        return least + (most - least) * (jobs - fewer) / (more - fewer)

    @property
    def a_job(self) -> float:
        """For each job beyond the largest size."""
        (fewer, least), (more, most) = self.points[-2:]
        return (most - least) / (more - fewer)

    @classmethod
    def through(cls, measured: Mapping[float, float], at_none: float = 0) -> Growth:
        """Through what was measured, and so much of no job at all."""
        jobs, values = zip(*sorted({0: at_none, **measured}.items()), strict=True)
        return cls(tuple(zip(jobs, accumulate(values, max), strict=True)))


@dataclass(frozen=True)
class Measured:
    """What the benchmarks measured. CPU seconds are one core's; what grows does so with jobs, in seconds or bytes."""

    cores: int
    jobs_built: tuple[int, ...]
    latency_seconds: float
    first_calls_a_job: float
    first_seconds_a_call: float
    first_cpu_seconds_a_call: float
    quiet_calls_a_source: float
    quiet_seconds_a_source: float
    changed_calls_a_document: float
    flatten_cpu_seconds_a_document: float
    document_bytes: float
    raw_bytes_a_document: float
    raw_bytes_a_document_of_small_batches: float
    transitions_a_job: float
    mean_life_hours: float
    lake_files_a_partition: float
    lake_files_a_change: float
    lake_bytes_a_job: float
    lake_bytes_a_file: float
    rewrite_cpu_seconds_a_job: float
    rewrite_cpu_seconds_a_file: float
    open_cpu_seconds_a_file: float
    manifest_bytes_a_file: float
    manifest_cpu_seconds_a_file: float
    manifest_memory_bytes_a_file: float
    settled_bytes_a_file: float
    model_bytes_a_job: float
    lake_check_cpu_seconds_a_job: float
    account_cpu_seconds: float
    account_memory_bytes: float
    dagster_bytes_a_run: float
    empty_run_cpu_seconds: float
    metric_calls_a_job: float
    metric_points_a_job: float
    metric_bytes_a_point: float
    part_seconds: Growth  # of the models by month, by how many jobs a part has
    other_seconds: Growth
    publish_seconds: Growth
    republish_seconds: Growth
    build_memory_bytes: Growth
    publish_memory_bytes: Growth
    published_bytes: Growth


def read_measured(results: Path) -> Measured:
    """The constants, from the files that the benchmarks wrote; raises TrainyardError for what is not there."""
    calls = _Result(results, "calls")
    flatten = _Result(results, "flatten")
    builds = _Result(results, "builds")
    first = calls.at("lines", "first harvest")
    quiet = calls.at("lines", "quiet run")
    sizes = sorted(map(int, builds.content))
    if not sizes:
        raise builds.lacking("any number of jobs")

    def growth(step: str, figure: str, unit: float = 1, at_none: float = 0) -> Growth:
        return Growth.through({jobs: builds.at(f"{jobs}", step, figure) * unit for jobs in sizes}, at_none)

    of_incremental = {
        jobs: sum(took for model, took in builds.at(f"{jobs}", "first build", "models").items() if models().get(model))
        for jobs in sizes
    }
    of_others = {jobs: builds.at(f"{jobs}", "first build", "wall_seconds") - of_incremental[jobs] for jobs in sizes}
    of_parts = {jobs / months_of(jobs): took / months_of(jobs) for jobs, took in of_incremental.items()}
    process_bytes = builds.at(f"{sizes[0]}", "quiet build", "peak_mib") * MIB
    ours = flatten.at("runs", "trainyard")
    footprint = _Result(results, "footprint")
    metrics = _Result(results, "metric_calls")
    return Measured(
        cores=flatten.at("cores"),
        jobs_built=tuple(sizes),
        latency_seconds=calls.at("machine", "latency_seconds"),
        first_calls_a_job=first["calls_per_job"],
        first_seconds_a_call=first["wall_seconds"] / first["calls"],
        first_cpu_seconds_a_call=first["cpu_seconds"] / first["calls"],
        quiet_calls_a_source=quiet["calls"],
        quiet_seconds_a_source=quiet["wall_seconds"],
        changed_calls_a_document=calls.at("lines", "after 1 % changed", "calls_per_job"),
        flatten_cpu_seconds_a_document=sum(run["cpu_seconds"] for run in ours)
        / len(ours)
        / flatten.at("documents", "trainyard"),
        lake_files_a_change=builds.at(f"{sizes[0]}", "1,000 recent", "commit_files")
        / builds.at(f"{sizes[0]}", "1,000 recent", "commit_partitions"),
        part_seconds=Growth.through(of_parts),
        other_seconds=Growth.through(of_others),
        publish_seconds=growth("publish", "wall_seconds"),
        republish_seconds=growth("publish after recent", "wall_seconds"),
        build_memory_bytes=growth("first build", "peak_mib", MIB, process_bytes),
        publish_memory_bytes=growth("publish", "peak_mib", MIB, process_bytes),
        published_bytes=growth("publish", "published_mib", MIB),
        **{name: footprint.at(name) for name in FOOTPRINT},
        **{name: metrics.at(name) for name in METRICS},
    )


FOOTPRINT = (
    "document_bytes",
    "raw_bytes_a_document",
    "raw_bytes_a_document_of_small_batches",
    "transitions_a_job",
    "mean_life_hours",
    "lake_files_a_partition",
    "lake_bytes_a_job",
    "lake_bytes_a_file",
    "rewrite_cpu_seconds_a_job",
    "rewrite_cpu_seconds_a_file",
    "open_cpu_seconds_a_file",
    "manifest_bytes_a_file",
    "manifest_cpu_seconds_a_file",
    "manifest_memory_bytes_a_file",
    "settled_bytes_a_file",
    "model_bytes_a_job",
    "lake_check_cpu_seconds_a_job",
    "account_cpu_seconds",
    "account_memory_bytes",
    "dagster_bytes_a_run",
    "empty_run_cpu_seconds",
)
METRICS = ("metric_calls_a_job", "metric_points_a_job", "metric_bytes_a_point")


class _Result:
    """What one benchmark wrote."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._remedy = f"`python -m benchmarks.{name}` measures it"
        try:
            self.content: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            raise TrainyardError(f"there is no {folder / name}.json: {self._remedy}") from None

    def at(self, *keys: str) -> Any:
        """What is at a path of keys."""
        found: Any = self.content
        for key in keys:
            if key not in found:
                raise self.lacking(" / ".join(keys))
            found = found[key]
        return found

    def lacking(self, what: str) -> TrainyardError:
        """What to raise where it does not tell something."""
        return TrainyardError(f"{self._name}.json does not tell {what}: {self._remedy}")


@cache
def models() -> dict[str, bool]:
    """Every model by name, and whether it is made by month."""
    return {
        bound.name: bound.model.is_incremental or bound.model.is_by_month
        for bound in load_catalogue(shipped("sql")).models
    }


@dataclass(frozen=True)
class Plan:
    """What follows for a fleet that is looked at each hour. Seconds are those of the clock where nothing else is said.

    What one thread does takes its CPU seconds; what DuckDB does by itself is shared by the cores.
    """

    fleet: Fleet
    measured: Measured

    # The first harvest.

    @cached_property
    def first_calls(self) -> float:
        """One for each page, and one look a source."""
        return self.fleet.jobs * self.measured.first_calls_a_job + self.fleet.sources

    @property
    def first_bytes(self) -> float:
        """Received."""
        return self.fleet.jobs * self.measured.document_bytes

    @property
    def seconds_a_call(self) -> float:
        """Of one source, whose pages come one after the other, under its limit."""
        return max(1 / CALLS_A_SECOND, self.measured.first_seconds_a_call)

    @property
    def first_seconds_by_the_limit(self) -> float:
        """If all sources had their turn at once, and the machine were no limit."""
        return self.first_calls / self.fleet.sources * self.seconds_a_call

    @property
    def first_seconds_in_turns(self) -> float:
        """As many sources at once as there are turns."""
        return self.first_calls * self.seconds_a_call / min(self.fleet.sources, MOST_AT_ONCE)

    @property
    def first_cpu_seconds(self) -> float:
        """Of one process, whose threads share a core."""
        return self.first_calls * self.measured.first_cpu_seconds_a_call

    @property
    def first_harvest_seconds(self) -> float:
        """Whichever takes longer: the turns, or the one core."""
        return max(self.first_seconds_in_turns, self.first_cpu_seconds)

    @property
    def raw_bytes(self) -> float:
        """After the first harvest."""
        return self.fleet.jobs * self.measured.raw_bytes_a_document

    @property
    def first_commits(self) -> int:
        """Of the lake."""
        return math.ceil(self.fleet.jobs / DOCUMENTS_A_COMMIT)

    @property
    def first_manifests_cpu_seconds(self) -> float:
        """Each commit writes the manifest anew, of half the files on average."""
        return self.first_commits * self.lake_files / 2 * self.measured.manifest_cpu_seconds_a_file

    @property
    def first_manifests_bytes(self) -> float:
        """What these manifests come to."""
        return self.first_commits * self.manifest_bytes / 2

    @property
    def first_flatten_cpu_seconds(self) -> float:
        """Documents to rows, and manifests."""
        return self.fleet.jobs * self.measured.flatten_cpu_seconds_a_document + self.first_manifests_cpu_seconds

    @property
    def first_build_seconds(self) -> float:
        """Every model of every month, and the published file."""
        return self.parts * self.part_seconds + self.measured.other_seconds.at(self.fleet.jobs) + self.publish_seconds

    @property
    def part_seconds(self) -> float:
        """The models by month, of one part."""
        return self.measured.part_seconds.at(self.fleet.jobs / self.parts)

    # A day.

    @property
    def versions_a_job(self) -> float:
        """At most so many versions of a job are seen: a look sees one, and each transition makes one."""
        seen = 1 + self.measured.mean_life_hours * RUNS_A_DAY / 24
        return min(self.measured.transitions_a_job, seen) + self.fleet.share_changed_after_end

    @property
    def documents_a_day(self) -> float:
        """Versions of jobs that looks bring."""
        return self.fleet.jobs_a_day * self.versions_a_job

    @property
    def quiet_calls_a_day(self) -> float:
        """Of the looks, whatever they find."""
        return self.fleet.sources * RUNS_A_DAY * self.measured.quiet_calls_a_source

    @property
    def changed_calls_a_day(self) -> float:
        """For what changed."""
        return self.documents_a_day * self.measured.changed_calls_a_document

    @property
    def calls_a_day(self) -> float:
        """All of them."""
        return self.quiet_calls_a_day + self.changed_calls_a_day

    @property
    def calls_a_second_of_a_source(self) -> float:
        """On average over the day."""
        return self.calls_a_day / self.fleet.sources / DAY_SECONDS

    @property
    def received_bytes_a_day(self) -> float:
        """Of changed documents."""
        return self.documents_a_day * self.measured.document_bytes

    @property
    def raw_bytes_a_day(self) -> float:
        """In batches of a few documents."""
        return self.documents_a_day * self.measured.raw_bytes_a_document_of_small_batches

    @property
    def raw_files_a_day(self) -> float:
        """A batch for each source in which a run finds anything."""
        return self.touched_sources * RUNS_A_DAY

    @property
    def raw_files(self) -> float:
        """After the first harvest and a year: merged those of all months but one."""
        merged_bytes = self.raw_bytes_a_day * DAYS_A_MONTH / self.fleet.sources
        of_a_month = self.fleet.sources * math.ceil(merged_bytes / MOST_BYTES)
        return (self.fleet.months + 12) * of_a_month + DAYS_A_MONTH * self.raw_files_a_day

    # A run.

    @property
    def documents_a_run(self) -> float:
        """What a run finds."""
        return self.documents_a_day / RUNS_A_DAY

    @property
    def touched_sources(self) -> float:
        """Those in which it finds anything, if changes fall where they may."""
        return self.fleet.sources * (1 - math.exp(-self.documents_a_run / self.fleet.sources))

    @property
    def harvest_seconds(self) -> float:
        """Clients for all accounts, then a look at each source and what changed there."""
        clients = self.fleet.accounts * self.measured.account_cpu_seconds
        changed_calls = self.changed_calls_a_day / RUNS_A_DAY
        looks = self.fleet.sources * self.measured.quiet_seconds_a_source + changed_calls * self.seconds_a_call
        cpu = self.calls_a_day / RUNS_A_DAY * self.measured.first_cpu_seconds_a_call
        return clients + max(looks / min(self.fleet.sources, MOST_AT_ONCE), cpu)

    @property
    def rewritten_jobs(self) -> float:
        """Those that months hold already in which a job changed: half of this month, in the middle of it."""
        return self.fleet.jobs_a_month / 2 * self.touched_sources / self.fleet.sources

    @property
    def written_files(self) -> float:
        """Of the lake: for each touched month those of the tables that changes tell otherwise."""
        return self.touched_sources * self.measured.lake_files_a_change

    @property
    def commits(self) -> int:
        """Of bounded size."""
        return max(1, math.ceil(self.documents_a_run / DOCUMENTS_A_COMMIT))

    @property
    def commit_seconds(self) -> float:
        """What is held is looked up and compared, tables of touched months are written, the manifest with each commit.

        As if each table's rows were written anew: that is more than changes do.
        """
        measured = self.measured
        opened = self.touched_sources * (self.fleet.months + measured.lake_files_a_partition)
        looked_up = opened * measured.open_cpu_seconds_a_file
        rows = self.documents_a_run * measured.flatten_cpu_seconds_a_document
        rows += self.rewritten_jobs * measured.rewrite_cpu_seconds_a_job
        files = self.written_files * measured.rewrite_cpu_seconds_a_file
        return looked_up + rows + files + self.commits * self.lake_files * measured.manifest_cpu_seconds_a_file

    @property
    def lake_check_seconds(self) -> float:
        """Each run checks the whole lake."""
        return self.fleet.jobs * self.measured.lake_check_cpu_seconds_a_job / self.measured.cores

    @property
    def build_seconds(self) -> float:
        """Models by month for the part that this month is in, the others for all jobs."""
        return self.part_seconds + self.measured.other_seconds.at(self.fleet.jobs)

    @property
    def publish_seconds(self) -> float:
        """The file is written anew."""
        return self.measured.publish_seconds.at(self.fleet.jobs)

    @property
    def republish_seconds(self) -> float:
        """A copy of the file is altered."""
        return self.measured.republish_seconds.at(self.fleet.jobs)

    @property
    def run_seconds(self) -> float:
        """All of it, and what a run takes that has nothing to do."""
        parts = self.harvest_seconds, self.commit_seconds, self.lake_check_seconds, self.build_seconds
        return sum(parts) + self.republish_seconds + self.measured.empty_run_cpu_seconds

    # What there is.

    @property
    def partitions(self) -> int:
        """An account, a region, a month."""
        return self.fleet.sources * self.fleet.months

    @property
    def lake_files(self) -> float:
        """One for each table of a partition, and another where this month has new rows beside."""
        return (self.partitions + self.touched_sources) * self.measured.lake_files_a_partition

    @property
    def lake_bytes(self) -> float:
        """Of rows, and of files for being files."""
        return self.fleet.jobs * self.measured.lake_bytes_a_job + self.lake_files * self.measured.lake_bytes_a_file

    @property
    def bytes_a_file(self) -> float:
        """On average."""
        return self.lake_bytes / self.lake_files

    @property
    def overhead_share(self) -> float:
        """Of the lake's bytes, those that are there because rows are in so many files."""
        return self.lake_files * self.measured.lake_bytes_a_file / self.lake_bytes

    @property
    def open_all_seconds(self) -> float:
        """To open each of the lake's files once, as publishing does."""
        return self.lake_files * self.measured.open_cpu_seconds_a_file / self.measured.cores

    @property
    def manifest_bytes(self) -> float:
        """Every file is listed."""
        return self.lake_files * self.measured.manifest_bytes_a_file

    @property
    def settled_bytes(self) -> float:
        """What a build notes of its inputs, every path of them several times."""
        return self.lake_files * self.measured.settled_bytes_a_file

    @property
    def lists_memory_bytes(self) -> float:
        """The manifest in memory, and what a build notes."""
        return self.lake_files * self.measured.manifest_memory_bytes_a_file + self.settled_bytes

    @property
    def clients_memory_bytes(self) -> float:
        """Each account's session and clients, all there from the beginning."""
        return self.fleet.accounts * self.measured.account_memory_bytes

    @property
    def build_memory_bytes(self) -> float:
        """If nothing were spilled."""
        return self.measured.build_memory_bytes.at(self.fleet.jobs)

    @property
    def publish_memory_bytes(self) -> float:
        """If nothing were spilled."""
        return self.measured.publish_memory_bytes.at(self.fleet.jobs)

    @property
    def model_bytes(self) -> float:
        """Of one build."""
        return self.fleet.jobs * self.measured.model_bytes_a_job

    @property
    def published_bytes(self) -> float:
        """Of the one file."""
        return self.measured.published_bytes.at(self.fleet.jobs)

    @property
    def superseded_bytes(self) -> float:
        """What runs have replaced and readers may still read: months of the lake, and their models."""
        runs = GRACE_SECONDS * RUNS_A_DAY / DAY_SECONDS
        of_models = self.fleet.jobs_a_month * self.measured.model_bytes_a_job
        return runs * (self.rewritten_jobs * self.measured.lake_bytes_a_job + of_models)

    @property
    def dagster_bytes(self) -> float:
        """Of the runs that are kept, each with every source's outcome twice: in its own events, and in the index."""
        outcome = Outcome("000000000000-us-east-1", 50, 2, 1, None, 1.5)
        a_run = self.measured.dagster_bytes_a_run + 2 * self.fleet.sources * len(msgspec.json.encode(outcome))
        return RUNS_KEPT.days * RUNS_A_DAY * a_run

    @property
    def disk_bytes(self) -> float:
        """All layers; the published file twice, while it is replaced."""
        layers = self.raw_bytes + 365 * self.raw_bytes_a_day + self.lake_bytes + self.model_bytes
        return layers + self.superseded_bytes + 2 * self.published_bytes + self.dagster_bytes

    @property
    def metric_first_calls(self) -> float:
        """Of CloudWatch, for all that it still has."""
        kept_days = max(KEPT_SECONDS.values()) / DAY_SECONDS
        return min(self.fleet.jobs, self.fleet.jobs_a_day * kept_days) * self.measured.metric_calls_a_job

    @property
    def metric_points_a_day(self) -> float:
        """Of minutes."""
        return self.fleet.jobs_a_day * self.measured.metric_points_a_job

    @property
    def metric_calls_a_day(self) -> float:
        """Of CloudWatch: in each run those that are full of queries, and one of each source that is not."""
        points_a_call = QUERIES_A_CALL * DAY_SECONDS / 60 / RUNS_A_DAY
        return self.touched_sources * RUNS_A_DAY + self.metric_points_a_day / points_a_call

    @property
    def metric_bytes(self) -> float:
        """Measurements of a year; not in the other figures, for they are asked for only where a setting says so."""
        return 365 * self.metric_points_a_day * self.measured.metric_bytes_a_point

    @property
    def files(self) -> float:
        """On the disk: raw after a year, the lake with what is superseded, models."""
        runs = GRACE_SECONDS * RUNS_A_DAY / DAY_SECONDS
        return self.raw_files + self.lake_files + runs * self.written_files + self.model_files

    @property
    def parts(self) -> int:
        """Of the models that are made by month: the whole, years or months."""
        if self.fleet.jobs <= JOBS_A_PART:
            return 1
        years = math.ceil(self.fleet.months / 12)
        return years if self.fleet.jobs / years <= JOBS_A_PART else self.fleet.months

    @property
    def model_files(self) -> int:
        """One for each part of those made by part, one for each other model."""
        by_part = sum(models().values())
        return by_part * self.parts + len(models()) - by_part

    # In a bucket: the table of docs/scaling.md, in numbers.

    @property
    def listings(self) -> float:
        """Three times in a run to begin writing (raw, models), once to remove what is old (the lake, builds)."""
        begun = 3 * math.ceil((self.raw_files + self.model_files) / LISTED_AT_ONCE)
        return begun + math.ceil(self.lake_files / LISTED_AT_ONCE) + 1

    @property
    def transfers(self) -> float:
        """Objects written: of sources, batches, lake, models, lists of files, and the published file in parts."""
        published = math.ceil(self.published_bytes / UPLOAD_PART_BYTES) + 3
        lake = self.written_files + self.commits
        lists = len(lake_tables()) + sum(name.startswith("marts.") for name in models())
        return self.fleet.sources + self.touched_sources + lake + len(models()) + lists + published

    @property
    def requests_a_run(self) -> float:
        """All of them: 3 x 7 and 9 are those of any run, and one renews the lease from time to time."""
        return 3 * 7 + 9 + self.listings + self.transfers + self.run_seconds / RENEWAL_SECONDS

    @property
    def bucket_seconds(self) -> float:
        """Listings one after the other, transfers side by side, and the published file through the network."""
        waits = self.listings + self.transfers / TRANSFERS_AT_ONCE
        return waits * self.measured.latency_seconds + self.published_bytes / NETWORK_BYTES_A_SECOND


@dataclass(frozen=True)
class Resource:
    """Something that there is only so much of, and how much of it a fleet takes.

    ``kind``: of what ``spills`` DuckDB puts on disk what is over the limit, and takes longer; only a home ``in a
    bucket`` needs what is of that kind; ``all steps`` is a sum of others, and so no bottleneck itself.
    """

    name: str
    unit: str
    limit: float
    limit_is: str
    use: Callable[[Plan], float]
    kind: Literal["", "spills", "in a bucket", "all steps"] = ""

    def ratio(self, plan: Plan) -> float:
        """Use by limit: above 1 it does not do."""
        return self.use(plan) / self.limit


RESOURCES = (
    Resource("first harvest", "s", DAY_SECONDS, "a day", lambda plan: plan.first_harvest_seconds),
    Resource("first flatten", "s", DAY_SECONDS, "a day of one core", lambda plan: plan.first_flatten_cpu_seconds),
    Resource("first build", "s", DAY_SECONDS, "a day", lambda plan: plan.first_build_seconds),
    Resource(
        "calls of a source",
        "calls/s",
        CALLS_A_SECOND,
        "the setting `calls_per_second`",
        lambda plan: plan.calls_a_second_of_a_source,
    ),
    Resource("harvest of a run", "s", HOUR_SECONDS, "the hour", lambda plan: plan.harvest_seconds),
    Resource("commits of a run", "s", HOUR_SECONDS, "the hour", lambda plan: plan.commit_seconds),
    Resource("checks of the lake", "s", HOUR_SECONDS, "the hour", lambda plan: plan.lake_check_seconds),
    Resource("build of a run", "s", HOUR_SECONDS, "the hour", lambda plan: plan.build_seconds),
    Resource("publishing", "s", HOUR_SECONDS, "the hour", lambda plan: plan.republish_seconds),
    Resource("a run as a whole", "s", HOUR_SECONDS, "the hour", lambda plan: plan.run_seconds, "all steps"),
    Resource("memory of clients", "B", MEMORY_BYTES, "8 GiB", lambda plan: plan.clients_memory_bytes),
    Resource("memory of lists of files", "B", MEMORY_BYTES, "8 GiB", lambda plan: plan.lists_memory_bytes),
    Resource("memory of a build", "B", MEMORY_BYTES, "8 GiB", lambda plan: plan.build_memory_bytes, "spills"),
    Resource("memory of publishing", "B", MEMORY_BYTES, "8 GiB", lambda plan: plan.publish_memory_bytes, "spills"),
    Resource("disk", "B", DISK_BYTES, "1 TB", lambda plan: plan.disk_bytes),
    Resource("files", "", DISK_BYTES / BYTES_AN_INODE, "the inodes of 1 TB", lambda plan: plan.files),
    Resource("Dagster's storage", "B", DISK_BYTES, "1 TB", lambda plan: plan.dagster_bytes),
    Resource("requests to a bucket", "s", HOUR_SECONDS, "the hour", lambda plan: plan.bucket_seconds, "in a bucket"),
)


def first_bottleneck(plan: Plan) -> Resource:
    """The resource of which the fleet takes the most, by its limit."""
    return max((each for each in RESOURCES if not each.kind), key=lambda resource: resource.ratio(plan))


MOST_ACCOUNTS = 10**6


def accounts_at_limit(resource: Resource, plan: Plan) -> int | None:
    """So many accounts like those of the fleet the resource suffices for; None if it does for a million."""

    def suffices(accounts: int) -> bool:
        return resource.ratio(Plan(plan.fleet.with_accounts(accounts), plan.measured)) <= 1

    if suffices(MOST_ACCOUNTS):
        return None
    enough, too_many = 0, MOST_ACCOUNTS
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        enough, too_many = (middle, too_many) if suffices(middle) else (enough, middle)
    return enough


def accounts_of_a_home(plan: Plan) -> int | None:
    """With so many accounts like those of the fleet, on a disk, a run and all that it needs is within its limit."""
    found = (accounts_at_limit(each, plan) for each in RESOURCES if each.kind in ("", "all steps"))
    return min((accounts for accounts in found if accounts is not None), default=None)
