"""The plan past one machine: writes `docs/capacity.md` from what was measured, and names what gives way first.

    python -m benchmarks.plan

Here: the page, and in words what to do about each limit. Not here: the arithmetic (``capacity``), nor measuring.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.capacity import (
    CALLS_A_SECOND,
    DISK_BYTES,
    FLEETS,
    HOUR_SECONDS,
    MEMORY_BYTES,
    NETWORK_BYTES_A_SECOND,
    RESOURCES,
    RUNS_A_DAY,
    Fleet,
    Growth,
    Measured,
    Plan,
    Resource,
    accounts_at_limit,
    accounts_of_a_home,
    first_bottleneck,
    models,
    read_measured,
)
from benchmarks.measure import RESULTS
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import lake_tables
from pipelines.harvest.intake import BATCH_DOCUMENTS
from pipelines.harvest.search import PAGE_JOBS
from pipelines.harvest.side_by_side import MOST_AT_ONCE
from pipelines.lake.load import DOCUMENTS_A_COMMIT
from pipelines.models.parts import JOBS_A_PART

PAGE = Path(__file__).parents[1] / "docs" / "capacity.md"


@dataclass(frozen=True)
class Remedy:
    """What to do where a resource does not suffice: with what there is, and what would have to be built."""

    today: str
    to_build: str


OWN_HOMES = "one data directory for each organizational unit"
REMEDIES = {
    "first harvest": Remedy(
        f"Raise `calls_per_second` where an account allows it, or {OWN_HOMES}, each on its own machine. It may also"
        " take as long as it takes: it happens once, and goes on where it was stopped.",
        "More sources at once, in processes of their own: threads share one core.",
    ),
    "first flatten": Remedy(
        f"It happens once, and goes on where it was stopped; or {OWN_HOMES}.",
        "Accounts flattened side by side, as their months share no file; one manifest for each account, so that a"
        " commit does not write the list of all files.",
    ),
    "first build": Remedy(
        '`engine = "spark"` makes the models on a cluster; checks and the published file are DuckDB\'s even so.',
        "What is said of building and publishing.",
    ),
    "calls of a source": Remedy(
        "Nothing has to be done: a look is a call, whatever the history. A rarer `schedule` asks for less.",
        "Nothing.",
    ),
    "harvest of a run": Remedy(
        f"A rarer `schedule`, or {OWN_HOMES}.",
        "Clients that are made once, in a process that stays.",
    ),
    "commits of a run": Remedy(
        f"A rarer `schedule`: tables of an account's month are written anew once in a run, however many of its jobs"
        f" changed. Or {OWN_HOMES}.",
        "Changed rows beside the held ones with a note of which are void, merged once a day.",
    ),
    "checks of the lake": Remedy("A rarer `schedule`.", "Checks of the files that a commit has written alone."),
    "build of a run": Remedy(
        '`engine = "spark"` makes the models on a cluster, from the same files ([how](scaling.md#on-apache-spark)); a'
        f" rarer `schedule`; or {OWN_HOMES}.",
        "Marts of all jobs from sums kept by month; parts by account where a month is too large for one query.",
    ),
    "publishing": Remedy(
        f"A rarer `schedule`; or {OWN_HOMES}: any DuckDB client attaches several published files and asks them"
        " together (what is a quantile or a share has to be computed from the facts then). Spark, or any reader of"
        " Parquet, may ask `builds/` instead; but nothing leaves the publishing out yet.",
        "A setting of what is published: marts of groups alone, with the lake and the marts of single jobs left as"
        " Parquet.",
    ),
    "memory of clients": Remedy(
        f"More memory, or {OWN_HOMES}.",
        "Clients that are made when their source has its turn, and go with it.",
    ),
    "memory of lists of files": Remedy(
        f"More memory, or {OWN_HOMES}.",
        "A manifest for each account below one that lists these; builds that note generations, not paths.",
    ),
    "memory of a build": Remedy(
        "Nothing, with disk to spare: DuckDB keeps to `memory_limit` and spills what is over it. Exact quantiles keep a"
        ' group\'s distinct values in memory. `engine = "spark"` spreads the rest over executors.',
        "Parts by account where a month is too large for one query.",
    ),
    "memory of publishing": Remedy(
        "Nothing, with disk to spare: DuckDB spills what is over `memory_limit`.", "What is said of publishing."
    ),
    "a run as a whole": Remedy(
        f"A rarer `schedule`, so that a run ends before the next is due; or {OWN_HOMES}.",
        "What is said of its steps.",
    ),
    "disk": Remedy(
        f"A larger disk, for a bucket too: the working copy of it has all that is in force. Or {OWN_HOMES}.",
        "A published file without the lake; queries of the lake where it is, in the bucket.",
    ),
    "files": Remedy(
        f"A disk that was made with more inodes, or with a filesystem that needs none set aside (XFS); or {OWN_HOMES}.",
        "Months of the lake that are over merged into years, accounts with few jobs into one partition.",
    ),
    "Dagster's storage": Remedy("Nothing: it is pruned daily. A rarer `schedule` leaves less of it.", "Nothing."),
    "requests to a bucket": Remedy(
        f"A data directory on a disk; a rarer `schedule`; or {OWN_HOMES}.",
        "What is said of publishing.",
    ),
}


def page(measured: Measured, fleets: Iterable[Fleet] = FLEETS) -> str:
    """The page of documentation, from the constants alone."""
    plans = [Plan(fleet, measured) for fleet in fleets]
    largest = plans[-1]
    return "\n".join(
        [
            *_introduction(largest),
            *_fleets(plans),
            *_what_follows(plans),
            *_against_limits(plans),
            *_bottlenecks(plans),
            *_remedies(plans),
            *_constants(measured),
            *_not_in_it(),
        ]
    )


def _introduction(largest: Plan) -> list[str]:
    return [
        "# Capacity",
        "",
        "<!-- Written by `make plan` from benchmarks/results: change benchmarks/plan.py or capacity.py, not this. -->",
        "",
        "How far one machine goes, and what gives way first. The figures are a model: constants that the benchmarks"
        " measured, and settings of the code, carried on in straight lines from what was measured. The largest build"
        f" that was measured had {max(largest.measured.jobs_built):,} jobs; nothing here was tried with"
        f" {largest.fleet.jobs:,}.",
        "",
        f"**In short.** {_verdict(largest)}",
        "",
    ]


def _verdict(plan: Plan) -> str:
    first = first_bottleneck(plan)
    accounts = accounts_at_limit(first, plan) or 0
    verdict = (
        f"For {plan.fleet.name} with {_amount(plan.fleet.jobs)} jobs the first bottleneck is **{first.name}**: it takes"
        f" {_amount(first.use(plan), first.unit)}, {_part_of(first, plan)}; it suffices for"
        f" {_accounts(accounts, plan)}."
    )
    if within := accounts_of_a_home(plan):
        homes = math.ceil(plan.fleet.accounts / within)
        verdict += (
            f" With {_accounts(within, plan)} in a data directory everything is within its limit but memory that is"
            f" spilled, an hourly run as a whole too: today such a fleet takes {homes:,} data directories, each on a"
            " machine of its own."
        )
    return verdict


def _accounts(accounts: int, plan: Plan) -> str:
    return f"{accounts:,} of its accounts ({_amount(plan.fleet.with_accounts(accounts).jobs)} jobs)"


def _part_of(resource: Resource, plan: Plan) -> str:
    ratio = resource.ratio(plan)
    return f"{_amount(ratio)} times {resource.limit_is}" if ratio > 1 else f"{ratio * 100:.2g}% of {resource.limit_is}"


def _fleets(plans: list[Plan]) -> list[str]:
    rows = {
        "accounts": [f"{plan.fleet.accounts:,}" for plan in plans],
        "regions that each uses": [f"{plan.fleet.regions}" for plan in plans],
        "months of history": [f"{plan.fleet.months}" for plan in plans],
        "jobs": [f"{plan.fleet.jobs:,}" for plan in plans],
        "jobs a day": [_amount(plan.fleet.jobs_a_day) for plan in plans],
        "transitions a job": [_amount(plan.measured.transitions_a_job) for plan in plans],
        "jobs whose record changes after they have ended": [
            f"{plan.fleet.share_changed_after_end:.0%}" for plan in plans
        ],
        "runs a day": [f"{RUNS_A_DAY}" for _ in plans],
    }
    return ["## The fleets", "", *_table(plans, rows), ""]


_Use = Callable[[Plan], float]
# What follows for a fleet: in words, in which unit, and how much.
_FOLLOWS: dict[str, list[tuple[str, str, _Use]]] = {
    "The first harvest": [
        ("calls", "", lambda plan: plan.first_calls),
        (
            f"time at {CALLS_A_SECOND:g} calls a second, if all accounts and regions went side by side",
            "s",
            lambda plan: plan.first_seconds_by_the_limit,
        ),
        (f"time, {MOST_AT_ONCE} of them at once", "s", lambda plan: plan.first_seconds_in_turns),
        ("CPU of it, on one core", "s", lambda plan: plan.first_cpu_seconds),
        ("received", "B", lambda plan: plan.first_bytes),
        ("raw, on disk", "B", lambda plan: plan.raw_bytes),
        ("CPU of the flatten", "s", lambda plan: plan.first_flatten_cpu_seconds),
        ("of that, for manifests", "s", lambda plan: plan.first_manifests_cpu_seconds),
        ("manifests written, all together", "B", lambda plan: plan.first_manifests_bytes),
        ("first build, with publishing", "s", lambda plan: plan.first_build_seconds),
    ],
    "A day": [
        ("versions of a job that looks see, at most", "", lambda plan: plan.versions_a_job),
        ("calls of looks", "", lambda plan: plan.quiet_calls_a_day),
        ("calls for what changed", "", lambda plan: plan.changed_calls_a_day),
        (
            "calls an hour of an account and region, on average",
            "",
            lambda plan: plan.calls_a_second_of_a_source * HOUR_SECONDS,
        ),
        ("received", "B", lambda plan: plan.received_bytes_a_day),
        ("raw: bytes", "B", lambda plan: plan.raw_bytes_a_day),
        ("raw: files", "", lambda plan: plan.raw_files_a_day),
        ("files of the lake written", "", lambda plan: plan.written_files * RUNS_A_DAY),
        ("requests, if the data directory is in a bucket", "", lambda plan: plan.requests_a_run * RUNS_A_DAY),
    ],
    "A run": [
        ("harvest", "s", lambda plan: plan.harvest_seconds),
        ("commits", "s", lambda plan: plan.commit_seconds),
        ("checks of the lake", "s", lambda plan: plan.lake_check_seconds),
        ("models", "s", lambda plan: plan.build_seconds),
        ("publishing", "s", lambda plan: plan.republish_seconds),
        ("all, with what a run takes that finds nothing", "s", lambda plan: plan.run_seconds),
        ("of a bucket: waits for requests, and the file sent", "s", lambda plan: plan.bucket_seconds),
    ],
    "What is kept": [
        ("partitions: account, region, month", "", lambda plan: plan.partitions),
        (f"files, of {len(lake_tables())} tables", "", lambda plan: plan.lake_files),
        ("bytes", "B", lambda plan: plan.lake_bytes),
        ("bytes a file", "B", lambda plan: plan.bytes_a_file),
        ("of the bytes, for being in so many files", "%", lambda plan: plan.overhead_share * 100),
        ("opening each file once", "s", lambda plan: plan.open_all_seconds),
        ("manifest, written with each commit", "B", lambda plan: plan.manifest_bytes),
        ("what a build notes of its inputs", "B", lambda plan: plan.settled_bytes),
        ("models: bytes", "B", lambda plan: plan.model_bytes),
        ("models: files", "", lambda plan: plan.model_files),
        ("published file, which holds the lake", "B", lambda plan: plan.published_bytes),
        ("superseded, until its grace is over", "B", lambda plan: plan.superseded_bytes),
        ("disk, after a year", "B", lambda plan: plan.disk_bytes),
        ("files, after a year", "", lambda plan: plan.files),
        ("Dagster's storage", "B", lambda plan: plan.dagster_bytes),
    ],
    "With `cloudwatch`, on top": [
        ("calls of GetMetricData of the first look", "", lambda plan: plan.metric_first_calls),
        ("calls of it a day", "", lambda plan: plan.metric_calls_a_day),
        ("points of minutes a day", "", lambda plan: plan.metric_points_a_day),
        ("measurements of a year, on disk", "B", lambda plan: plan.metric_bytes),
    ],
    "Memory": [
        ("clients of all accounts", "B", lambda plan: plan.clients_memory_bytes),
        ("lists of files", "B", lambda plan: plan.lists_memory_bytes),
        ("a build, if nothing were spilled", "B", lambda plan: plan.build_memory_bytes),
        ("publishing, if nothing were spilled", "B", lambda plan: plan.publish_memory_bytes),
    ],
}


def _what_follows(plans: list[Plan]) -> list[str]:
    lines = ["## What they come to", ""]
    for title, rows in _FOLLOWS.items():
        told = {name: [_amount(use(plan), unit) for plan in plans] for name, unit, use in rows}
        lines += [f"### {title}", "", *_table(plans, told), ""]
    return lines


def _against_limits(plans: list[Plan]) -> list[str]:
    largest = plans[-1]
    foremost = {id(plan): first_bottleneck(plan) for plan in plans}
    lines = [
        "## Against the limits",
        "",
        "Use by limit: above 1 it does not do. The last column: the resource suffices for so many accounts of"
        f" {_amount(largest.fleet.jobs / largest.fleet.accounts)} jobs each, as the largest fleet has them.",
        "",
        f"| | limit | {' | '.join(plan.fleet.name for plan in plans)} | accounts |",
        f"| --- | --- |{' --- |' * (len(plans) + 1)}",
    ]
    for resource in RESOURCES:
        cells = []
        for plan in plans:
            told = f"{resource.ratio(plan):.2g}" if resource.ratio(plan) < 10 else f"{resource.ratio(plan):,.0f}"
            cells.append(f"**{told}**" if resource is foremost[id(plan)] else told)
        accounts = accounts_at_limit(resource, largest)
        suffices_for = "any" if accounts is None else f"{accounts:,}"
        lines.append(f"| {_named(resource)} | {resource.limit_is} | {' | '.join(cells)} | {suffices_for} |")
    return [*lines, ""]


def _named(resource: Resource) -> str:
    return f"{resource.name} ({resource.kind})" if resource.kind else resource.name


def _bottlenecks(plans: list[Plan]) -> list[str]:
    lines = [
        "## The first bottleneck",
        "",
        "The resource of which a fleet takes the most, by its limit. Left out is memory that DuckDB spills, for that"
        " costs time and disk; what only a data directory in a bucket needs; and a run as a whole, which is"
        " a sum of others.",
        "",
    ]
    for plan in plans:
        first = first_bottleneck(plan)
        beyond = [each for each in RESOURCES if each.kind != "spills" and each.ratio(plan) > 1]
        told = (
            f"- **{plan.fleet.name}: {first.name}**, {_amount(first.use(plan), first.unit)}, {_part_of(first, plan)}."
        )
        if not beyond:
            spilled = any(each.ratio(plan) > 1 for each in RESOURCES)
            told += f" All is within its limit{', but memory that is spilled' if spilled else ''}: one machine does."
        elif others := [
            _named(each) for each in sorted(beyond, key=lambda each: -each.ratio(plan)) if each is not first
        ]:
            told += f" Beyond their limits too, in this order: {', '.join(others)}."
        lines.append(told)
    return [*lines, ""]


def _remedies(plans: list[Plan]) -> list[str]:
    by_ratio = sorted(RESOURCES, key=lambda resource: -resource.ratio(plans[-1]))
    lines = [
        "## What to do about each",
        "",
        f"In the order of what {plans[-1].fleet.name} take of them, by their limits.",
        "",
        "| | today | would have to be built |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {each.name} | {REMEDIES[each.name].today} | {REMEDIES[each.name].to_build} |" for each in by_ratio]
    return [*lines, ""]


def _constants(measured: Measured) -> list[str]:
    def told(growth: Growth, unit: str) -> str:
        sizes = ", ".join(f"{_amount(value, unit)} of {_amount(jobs)} jobs" for jobs, value in growth.points if jobs)
        return f"{sizes}, and {_amount(growth.a_job * 1_000_000, unit)} for a million more"

    rows = {
        "calls.json": [
            ("calls a job, first harvest", f"{measured.first_calls_a_job:.4f}"),
            ("time a call", _amount(measured.first_seconds_a_call, "s")),
            ("CPU a call", _amount(measured.first_cpu_seconds_a_call, "s")),
            ("a source in which nothing changed: calls", f"{measured.quiet_calls_a_source:g}"),
            ("time of that", _amount(measured.quiet_seconds_a_source, "s")),
            ("calls a changed job", f"{measured.changed_calls_a_document:.4f}"),
            ("latency of a request", _amount(measured.latency_seconds, "s")),
        ],
        "flatten.json": [("CPU a document", _amount(measured.flatten_cpu_seconds_a_document, "s"))],
        "builds.json": [
            ("models by month, a part", told(measured.part_seconds, "s")),
            ("other models", told(measured.other_seconds, "s")),
            ("publishing anew", told(measured.publish_seconds, "s")),
            ("publishing after a few changes", told(measured.republish_seconds, "s")),
            ("memory of a build", told(measured.build_memory_bytes, "B")),
            ("memory of publishing", told(measured.publish_memory_bytes, "B")),
            ("published file", told(measured.published_bytes, "B")),
            ("lake: files that changes of a partition leave", f"{measured.lake_files_a_change:.1f}"),
        ],
        "footprint.json": [
            ("a document", _amount(measured.document_bytes, "B")),
            (f"in raw, in batches of {BATCH_DOCUMENTS:,}", _amount(measured.raw_bytes_a_document, "B")),
            ("in raw, in small batches", _amount(measured.raw_bytes_a_document_of_small_batches, "B")),
            ("transitions a job", f"{measured.transitions_a_job:.2f}"),
            ("life of a job, on average", _amount(measured.mean_life_hours * 3600, "s")),
            ("lake: a job", _amount(measured.lake_bytes_a_job, "B")),
            ("lake: a file, beyond its rows", _amount(measured.lake_bytes_a_file, "B")),
            ("lake: files a partition", f"{measured.lake_files_a_partition:.1f}"),
            ("writing a job anew, CPU", _amount(measured.rewrite_cpu_seconds_a_job, "s")),
            ("writing a file, beyond its rows, CPU", _amount(measured.rewrite_cpu_seconds_a_file, "s")),
            ("opening a file, CPU", _amount(measured.open_cpu_seconds_a_file, "s")),
            ("checks of the lake, CPU a job", _amount(measured.lake_check_cpu_seconds_a_job, "s")),
            ("manifest: a file", _amount(measured.manifest_bytes_a_file, "B")),
            ("manifest: a file, CPU of a commit", _amount(measured.manifest_cpu_seconds_a_file, "s")),
            ("manifest: a file, in memory", _amount(measured.manifest_memory_bytes_a_file, "B")),
            ("a build's note of a file", _amount(measured.settled_bytes_a_file, "B")),
            ("models: a job", _amount(measured.model_bytes_a_job, "B")),
            ("an account's clients, CPU", _amount(measured.account_cpu_seconds, "s")),
            ("an account's clients, memory", _amount(measured.account_memory_bytes, "B")),
            ("a run that finds nothing, CPU", _amount(measured.empty_run_cpu_seconds, "s")),
            ("a run in Dagster's storage", _amount(measured.dagster_bytes_a_run, "B")),
        ],
        "metric_calls.json": [
            ("calls of GetMetricData a job, first look", f"{measured.metric_calls_a_job:.4f}"),
            ("points a job, of minutes", _amount(measured.metric_points_a_job)),
            ("a point kept", _amount(measured.metric_bytes_a_point, "B")),
        ],
    }
    incremental = sum(models().values())
    return [
        "## What goes in",
        "",
        "| measured | | in |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {value} | [`{file}`](../benchmarks/results/{file}) |"
            for file, constants in rows.items()
            for name, value in constants
        ),
        "",
        "Where builds were measured with one number of jobs only, their lines begin at nothing, those of memory at what"
        " a build takes that makes nothing; with more, they go straight from size to size, and on as between the last.",
        "",
        f"Of the code: pages of {PAGE_JOBS} jobs, {CALLS_A_SECOND:g} calls a second for each account and region,"
        f" {MOST_AT_ONCE} sources at once, batches of {BATCH_DOCUMENTS:,} documents, commits of {DOCUMENTS_A_COMMIT:,},"
        f" parts of a month where there are more than {JOBS_A_PART:,} jobs, {incremental} models by month and"
        f" {len(models()) - incremental} others. Requests to a bucket are those of"
        " [its table](scaling.md#on-object-storage).",
        "",
        f"Supposed: {_amount(MEMORY_BYTES, 'B')} of memory, {_amount(DISK_BYTES, 'B')} of disk with the inodes that"
        f" ext4 gives it, {measured.cores} cores, a network of {_amount(NETWORK_BYTES_A_SECOND, 'B')} a second. Jobs"
        " come evenly over months, accounts and regions, and a run touches the month that it is in, in its middle.",
        "",
    ]


def _not_in_it() -> list[str]:
    return [
        "## What is not in it",
        "",
        "- Straight lines are kind: sorts grow faster than what they sort, and what spills takes longer, and disk.",
        "- The jobs that were measured with are made up, and more alike than real ones: these take more bytes in raw.",
        "- Accounts are not alike: the largest may have a limit of its own, of calls above all.",
        "- Throttling by others who share an account's limit, failed calls, and jobs that `DescribeTrainingJob` has to"
        " complete, at a call each.",
        "- Late changes of old months, each of which writes a month anew, and many of which have the published file"
        " written anew, as its own growth does now and then; `verify`, which counts once a day; people's own queries.",
        "- Prices of calls, requests and storage.",
        "- Builds of what CloudWatch measured: its calls and bytes are above, beside the totals, for it is asked only"
        " where a setting says so.",
        "",
    ]


def _table(plans: list[Plan], rows: dict[str, list[str]]) -> list[str]:
    return [
        f"| | {' | '.join(plan.fleet.name for plan in plans)} |",
        f"| --- |{' --- |' * len(plans)}",
        *(f"| {name} | {' | '.join(told)} |" for name, told in rows.items()),
    ]


_UNITS = {
    "s": ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B")),
    "": ((1e9, "billion"), (1e6, "million"), (1, "")),
}


def _amount(value: float, unit: str = "") -> str:
    """A number for people, of three digits, in the largest unit of which there is one (of time, two)."""
    if not value:
        return f"0 {unit}".rstrip()
    units = _UNITS.get(unit, ((1, unit),))
    least = 2 if unit == "s" else 1
    size, name = next((each for each in units if value >= each[0] * (least if each[0] > 1 else 1)), units[-1])
    scaled = value / size
    digits = max(0, 2 - math.floor(math.log10(scaled)))
    told = f"{scaled:,.{digits}f}"
    if digits:
        told = told.rstrip("0").rstrip(".")
    return f"{told} {name}".rstrip()


def main() -> None:
    try:
        PAGE.write_text(page(read_measured(RESULTS)))
    except TrainyardError as error:
        sys.exit(f"{error}")
    print(PAGE)


if __name__ == "__main__":
    main()
