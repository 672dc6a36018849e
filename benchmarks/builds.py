"""What a build costs, by how many jobs the lake has: made whole, and again after some of them changed.

    python -m benchmarks.builds 100000 1000000 10000000

    first build             every model from the lake, checks included
    publish                 the warehouse from the build
    quiet build             nothing changed
    1,000 recent            a commit of the jobs that changed last, as a refresh sees them, and the build after it
    publish after recent    the warehouse from that build, by altering what was published before
    1,000 scattered         a commit of jobs of all months, and the build after it
    copy                    some columns of two of the lake's tables, as they are into Parquet: the floor

Each step is a process of its own, so that its peak of memory is its own; DuckDB has two threads. Results, those of
other sizes too, are kept in ``results/builds.json``, and ``docs/performance.md`` with its plot is written from these.
Not here: the lakes (``lakes``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import msgspec
import vl_convert

from benchmarks.documents import CACHE, documents_file
from benchmarks.lakes import JOBS_A_COPY, YEARS, lake_home
from benchmarks.measure import RESULTS, Target, forget_peak, peak_mib, timed
from pipelines.flatten.layout import lake_tables
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.models.begin import begin_build
from pipelines.models.build import Build
from pipelines.models.catalogue import load_catalogue
from pipelines.models.publish import publish, published_tables
from pipelines.shipped import shipped
from pipelines.simulator.made_fleet import END_SECONDS
from pipelines.tables import literal

CHANGED = 1_000
YEAR_SECONDS = 365 * 86_400
STEPS = ("first build", "publish", "quiet build", "1,000 recent", "publish after recent", "1,000 scattered", "copy")
# What the marts of single jobs and visits show as the lake has it.
COPIED = {
    "training_jobs": (
        "training_job_arn, training_job_name, account_id, region, resource_config_instance_type, training_job_status,"
        " secondary_status, creation_time, training_start_time, training_end_time, last_modified_time"
    ),
    "secondary_status_transitions": "training_job_arn, account_id, region, status, start_time, end_time",
}
MEMORY_LIMIT = "8GiB"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PLOT = PAGE.parent / "images" / "performance.svg"


def copy(home: Home) -> dict[str, Any]:
    """Read and write what no build can do without; its size."""
    manifest, folder = read_manifest(home.lake), home.root / "copied"
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set memory_limit = $1", [MEMORY_LIMIT])
        for name, columns in COPIED.items():
            (table,) = (table.table for table in lake_tables() if table.name == name)
            rows = f"select {columns} from ({select_table(table, manifest.paths(home.lake, name))})"
            connection.execute(f"copy ({rows}) to {literal(str(folder / name))} (format parquet, compression zstd)")
    copied = _mib(folder.iterdir())
    shutil.rmtree(folder)
    return {"copied_mib": copied}


def build(home: Home) -> dict[str, Any]:
    """All models; seconds of each that took some."""
    manifest = read_manifest(home.lake)
    build_id = f"b{len(list(home.builds.glob('b*'))):03d}"
    started = begin_build(home, manifest, build_id, datetime.now(UTC), "UTC")
    made = Build(started.folder, MEMORY_LIMIT)
    peak = peak_mib()
    seconds, peaks, written = {}, {}, set()
    for bound in load_catalogue(shipped("sql")).models:
        forget_peak()
        before = time.perf_counter()
        made.run(bound)
        for result in made.check(bound):
            assert not result.violations, f"{bound.name}: {result.name}"
        seconds[bound.name] = round(time.perf_counter() - before, 3)
        peaks[bound.name] = round(peak_mib())
        written.update(made.files(bound.name).values())
    made.close()
    return {
        "peak_mib": max(peak, *peaks.values()),
        "lake_mib": _mib(manifest.all_paths(home.lake)),
        "models_mib": _mib(written),
        "models": dict(sorted(seconds.items(), key=lambda item: -item[1])),
        "peaks_of_models_mib": peaks,
    }


def _mib(paths: Iterable[Path]) -> int:
    """What files take."""
    return round(sum(path.stat().st_size for path in paths) / 2**20)


def made_with(home: Home) -> dict[str, Any]:
    """What was measured on: transitions of a job, versions, cores, and when."""
    manifest = read_manifest(home.lake)
    transitions = manifest.rows("secondary_status_transitions") / manifest.rows("training_jobs")
    return {
        "transitions_a_job": round(transitions, 1),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "duckdb": version("duckdb"),
    }


def change_and_build(home: Home, documents: Iterator[dict[str, Any]], label: str) -> dict[str, Any]:
    """Commit changed documents, then build; the seconds of each, and how many files the commit left."""
    changed = [Observation(END_SECONDS + 3_600, msgspec.json.encode(_later(document))) for document in documents]
    assert len(changed) == CHANGED
    RawArchive(home.raw).append(f"benchmark-{label}", changed)
    held = read_manifest(home.lake).all_paths(home.lake)
    before = time.perf_counter()
    loaded = load(home)
    assert loaded.changed == CHANGED
    commit_seconds = time.perf_counter() - before
    written = read_manifest(home.lake).all_paths(home.lake) - held
    partitions = {path.parent.relative_to(home.lake).parts[1:] for path in written}
    committed = {"seconds": round(commit_seconds, 2), "files": len(written), "partitions": len(partitions)}
    return {f"commit_{figure}": value for figure, value in committed.items()} | build(home)


def recent() -> Iterator[dict[str, Any]]:
    """The jobs of the first copy that changed last."""
    with documents_file(JOBS_A_COPY).open("rb") as lines:
        yield from (_of_copy(line, 0) for line in islice(lines, JOBS_A_COPY - CHANGED, None))


def scattered(years: int) -> Iterator[dict[str, Any]]:
    """Jobs of all months and years."""
    with documents_file(JOBS_A_COPY).open("rb") as lines:
        chosen = islice(lines, 0, None, JOBS_A_COPY // CHANGED)
        yield from (_of_copy(line, number % years) for number, line in enumerate(chosen))


def _of_copy(line: bytes, year: int) -> dict[str, Any]:
    document: dict[str, Any] = _earlier(msgspec.json.decode(line), year * YEAR_SECONDS)
    return document | {name: f"{document[name]}-0-{year}" for name in ("TrainingJobArn", "TrainingJobName")}


def _later(document: dict[str, Any]) -> dict[str, Any]:
    """As a refresh finds a job that goes on: it tells more of its last status, and other values of its metrics."""
    *before, last = document["SecondaryStatusTransitions"]
    changed = {
        "LastModifiedTime": END_SECONDS + 60.0,
        "SecondaryStatusTransitions": [*before, last | {"StatusMessage": "Told anew"}],
    }
    if metrics := document.get("FinalMetricDataList"):
        changed["FinalMetricDataList"] = [metric | {"Value": metric["Value"] + 1.0} for metric in metrics]
    return document | changed


def _earlier(value: Any, seconds: int) -> Any:
    """The same with its instants so much earlier."""
    if isinstance(value, list):
        return [_earlier(item, seconds) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: below - seconds
        if isinstance(below, int | float) and name.endswith(("Time", "Timestamp"))
        else _earlier(below, seconds)
        for name, below in value.items()
    }


def publish_last(home: Home) -> dict[str, Any]:
    """The warehouse of the last build; its size."""
    last = Build(sorted(home.builds.glob("b*"))[-1], MEMORY_LIMIT)
    published = publish(last, published_tables(load_catalogue(shipped("sql"))), home.warehouse)
    return {"published_mib": round(published.size_bytes / 2**20)}


def step(name: str, home: Home, jobs: int) -> dict[str, Any]:
    """One of ``STEPS``, and what it took."""
    work = {
        "copy": lambda: copy(home),
        "1,000 recent": lambda: change_and_build(home, recent(), "recent"),
        "1,000 scattered": lambda: change_and_build(home, scattered(min(YEARS, jobs // JOBS_A_COPY)), "scattered"),
        "publish": lambda: publish_last(home),
        "publish after recent": lambda: publish_last(home),
    }.get(name, lambda: build(home))
    took, told = timed(work)
    return {figure: round(value, 2) for figure, value in asdict(took).items()} | told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from what was measured")
    parser.add_argument("--copy", action="store_true", help="measure the copy alone: all else is as it was measured")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(step(options.step, Home(options.home), options.jobs[0])))
        return
    kept = RESULTS / "builds.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for jobs in [] if options.page else options.jobs:
        made = lake_home(jobs)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            home = Path(folder) / "home"
            shutil.copytree(made.root, home, copy_function=os.link)  # nothing alters the files of a lake
            for name in STEPS[-1:] if options.copy else STEPS:
                results.setdefault(str(jobs), {})[name] = _measured(name, home, jobs)
                if not options.copy:
                    results[str(jobs)]["made with"] = made_with(made)
                results = dict(sorted(results.items(), key=lambda measured: int(measured[0])))
                kept.write_text(json.dumps(results, indent=2) + "\n")
    PAGE.write_text(page(results))
    PLOT.write_text(plot(results))


def plot(results: dict[str, Any]) -> str:
    """An SVG of the CPU that each step takes against the number of jobs, both on a logarithmic scale."""
    rows = [
        {"jobs": int(jobs), "cpu_seconds": took[step]["cpu_seconds"], "step": step}
        for jobs, took in results.items()
        for step in STEPS
        if step in took
    ]
    chart = (
        alt.Chart(alt.Data(values=rows), width=460, height=260)
        .mark_line(point=True)
        .encode(
            x=alt.X("jobs:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s"), title="jobs in the lake"),
            y=alt.Y("cpu_seconds:Q", scale=alt.Scale(type="log"), title="CPU seconds"),
            color=alt.Color("step:N", sort=STEPS, title=None),
        )
    )
    return vl_convert.vegalite_to_svg(chart.to_dict())


def page(results: dict[str, Any]) -> str:
    """The page of documentation, from the results alone."""
    sizes = list(results)
    first, last = results[sizes[0]], results[sizes[-1]]
    grown = int(sizes[-1]) // int(sizes[0])
    with_each = [results[jobs]["made with"] for jobs in sizes]
    lines = [
        "# Performance",
        "",
        "Written by `make benchmark-builds` (the largest size by `python -m benchmarks.builds 10000000`), from what it"
        " measured: [`benchmarks/results/builds.json`](../benchmarks/results/builds.json). DuckDB has two threads and"
        f" {MEMORY_LIMIT}. The jobs are made up. From {JOBS_A_COPY:,} on they are copies of one year of jobs, under"
        " other names and some seconds or years apart: what goes by distinct texts, as failure reasons do, does not"
        " grow with them within a month. A build is all models and their checks; after changes, the commit of these to"
        " the lake too. The copy is of what the marts of single jobs and of visits show as the lake has it, 11 columns"
        " of jobs and 6 of transitions, read and written with nothing computed: no build takes less.",
        "",
        f"| | {' | '.join(f'{int(jobs):,} jobs' for jobs in sizes)} | for {grown} x the jobs |",
        f"| --- |{' --- |' * (len(sizes) + 1)}",
        f"| transitions a job | {' | '.join(str(made['transitions_a_job']) for made in with_each)} | |",
        f"| measured | {' | '.join(made['measured_at'][:10] for made in with_each)} | |",
    ]
    are_alike = len({made["transitions_a_job"] for made in with_each}) == 1
    for name in STEPS:
        cells = [_cell(results[jobs][name]) if name in results[jobs] else "" for jobs in sizes]
        is_in_both = name in first and name in last
        grew = f"{last[name]['cpu_seconds'] / first[name]['cpu_seconds']:.1f} x the CPU" if is_in_both else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {grew} |")
    lines += [
        *(_row_of_files(name, figure, results) for name, figure in (("lake", "lake_mib"), ("models", "models_mib"))),
        "",
        *([] if are_alike else ["Jobs of some sizes have fewer transitions: ratios to these say too little.", ""]),
        "![CPU of each step against the number of jobs](images/performance.svg)",
        "",
        "What is still linear in the history: the models that look at all of it (quantiles, retries, sums over all"
        " jobs), and copying the published file.",
        "",
        "| what it should be | |",
        "| --- | --- |",
        *(f"| {target.name} | {target.verdict} |" for target in targets(results)),
        "",
        *(
            [f"The copy alone, of which no model comes, takes {last['copy']['wall_seconds']:.0f} s of that minute.", ""]
            if "copy" in last
            else []
        ),
        *_of_questions(),
        "The time of each model in a first build, and the most memory that the process had then:",
        "",
        f"| model | {' | '.join(f'{int(jobs):,} jobs' for jobs in sizes)} |",
        f"| --- |{' --- |' * len(sizes)}",
        *(_row_of_model(name, results) for name in last["first build"]["models"]),
        "",
    ]
    return "\n".join(lines)


def targets(results: dict[str, Any]) -> Iterator[Target]:
    """What is asked of the sizes that were measured."""

    def seconds(jobs: int, step: str, figure: str = "wall_seconds") -> float:
        return float(results[f"{jobs}"][step][figure])

    small, middle, large = 100_000, 1_000_000, 10_000_000
    if {f"{small}", f"{middle}"} <= results.keys():
        commits = [seconds(jobs, "1,000 recent", "commit_seconds") for jobs in (small, middle)]
        yield Target("commit of 1,000 recent, 1,000,000 jobs : 100,000", commits[1] / commits[0], 2)
    if not {f"{small}", f"{middle}", f"{large}"} <= results.keys():
        return
    recent = [seconds(jobs, "1,000 recent") for jobs in (small, large)]
    yield Target("first build of 10,000,000 jobs, in minutes", seconds(large, "first build") / 60, 1)
    growth = seconds(large, "first build") / seconds(middle, "first build")
    yield Target("first build, 10,000,000 jobs : 1,000,000", growth, 12)
    yield Target("1,000 recent : first build, of 10,000,000 jobs", recent[1] / seconds(large, "first build"), 0.1)
    yield Target("1,000 recent, 10,000,000 jobs : 100,000", recent[1] / recent[0], 3)


def _of_questions() -> Iterator[str]:
    """The lines that compare questions to the lake's files with what else reads them, as ``questions`` measured it."""
    measured = json.loads((RESULTS / "questions.json").read_text())
    yield (
        f"Questions asked of the lake's files of {measured['jobs']:,} jobs by DuckDB, and by other libraries"
        " (`python -m benchmarks.questions`), in seconds:"
    )
    yield from ("", "| question | DuckDB | polars | pandas | DuckDB : polars |", "| --- | --- | --- | --- | --- |")
    for question, took in measured["questions"].items():
        seconds = [took[name]["wall_seconds"] for name in ("duckdb", "polars", "pandas")]
        target = Target(question, seconds[0] / seconds[1], 1.3)
        yield f"| {question} | {' | '.join(f'{each:.2f}' for each in seconds)} | {target.verdict} |"
    yield ""


def _row_of_files(name: str, figure: str, results: dict[str, Any]) -> str:
    sizes = [took["first build"].get(figure) for took in results.values()]
    return f"| files of the {name} | {' | '.join(f'{mib:,} MiB' if mib else '' for mib in sizes)} | |"


def _row_of_model(name: str, results: dict[str, Any]) -> str:
    cells = []
    for took in results.values():
        first = took["first build"]
        seconds, peak = first["models"].get(name), first.get("peaks_of_models_mib", {}).get(name)
        cells.append("" if seconds is None else f"{seconds:.2f} s" + (f", {peak:,} MiB" if peak else ""))
    return f"| `{name}` | {' | '.join(cells)} |"


def _cell(took: dict[str, Any]) -> str:
    told = f"{took['wall_seconds']:.1f} s, {took['cpu_seconds']:.1f} s CPU, {took['peak_mib']:,.0f} MiB"
    if "commit_seconds" in took:
        told += f"; the commit {took['commit_seconds']:.1f} s"
    for what, figure in (("file", "published_mib"), ("files", "copied_mib")):
        told += f"; {what} of {took[figure]:,} MiB" if figure in took else ""
    return told


def _measured(name: str, home: Path, jobs: int) -> Any:
    command = [sys.executable, "-m", __spec__.name, "--step", name, "--home", str(home), str(jobs)]
    took = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    figures = ", ".join(f"{figure} {value}" for figure, value in took.items() if not isinstance(value, dict))
    print(f"{jobs:,} jobs, {name}: {figures}", file=sys.stderr)
    return took


if __name__ == "__main__":
    main()
