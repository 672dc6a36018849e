"""Questions asked of the lake's files: DuckDB, as the models ask them, beside what else reads Parquet.

    python -m benchmarks.questions 1000000

    duckdb      SQL over the files that the manifest lists
    polars      lazy, over the same files
    pandas      over the same files, with only the columns that the question needs

Each answer is compared with DuckDB's before anything is measured. Here: the questions, once for each tool, as somebody
who knows it would write them. Not here: the models, which answer far more (``builds``).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from itertools import chain
from numbers import Real
from typing import Any

import duckdb

from benchmarks.lakes import lake_home
from benchmarks.measure import RESULTS, measure, median, report
from pipelines.flatten.layout import lake_tables
from pipelines.lake.manifest import read_manifest, select_table

REPETITIONS = 3
JOBS, TRANSITIONS = "training_jobs", "secondary_status_transitions"
CORES = 2

Answer = list[tuple[Any, ...]]

SQL = {
    "failures": """
    select strftime(training_end_time, '%Y-%m') as of_month, count(*),
        count(*) filter (where training_job_status = 'Failed')
    from training_jobs
    where training_end_time is not null and training_job_status in ('Completed', 'Failed', 'Stopped')
    group by all""",
    "hours": """
    select resource_config_instance_type, strftime(training_start_time, '%Y-%m') as of_month,
        sum(epoch(training_end_time - training_start_time) * resource_config_instance_count) / 3600
    from training_jobs
    where training_end_time is not null and resource_config_instance_type is not null
        and resource_config_instance_count is not null
    group by all""",
    "waits": """
    select resource_config_instance_type,
        quantile_cont(epoch(training_start_time - creation_time), [0.5, 0.9, 0.99])
    from training_jobs
    where training_start_time is not null and resource_config_instance_type is not null
    group by all""",
    "statuses": """
    select j.resource_config_instance_type, t.status, sum(epoch(t.end_time - t.start_time)), count(*)
    from secondary_status_transitions as t inner join training_jobs as j using (training_job_arn)
    where t.end_time is not null and j.resource_config_instance_type is not null
    group by all""",
    "peaks": """
    with events as (
        select training_start_time as instant, 1 as change from training_jobs where training_end_time is not null
        union all
        select training_end_time, -1 from training_jobs where training_end_time is not null
    ),
    changes as (select instant, sum(change) as change from events group by instant),
    levels as (select instant, sum(change) over (order by instant) as jobs from changes)
    select strftime(instant, '%Y-%m') as of_month, max(jobs) from levels group by all""",
}


def with_duckdb(question: str, jobs: int) -> Answer:
    home = lake_home(jobs)
    manifest = read_manifest(home.lake)
    with duckdb.connect(config={"threads": CORES}) as connection:
        for table in lake_tables():
            if table.name in (JOBS, TRANSITIONS):
                held = select_table(table.table, manifest.paths(home.lake, table.name))
                connection.execute(f"create temp view {table.name} as {held}")
        rows = connection.execute(SQL[question]).fetchall()
    return [tuple(part for cell in row for part in (cell if isinstance(cell, list) else [cell])) for row in rows]


def _paths(table: str, jobs: int) -> list[str]:
    home = lake_home(jobs)
    return [str(path) for path in read_manifest(home.lake).paths(home.lake, table)]


def with_polars(question: str, jobs: int) -> Answer:
    import polars as pl

    held = pl.scan_parquet(_paths(JOBS, jobs), hive_partitioning=False)
    month = pl.col("training_end_time").dt.strftime("%Y-%m").alias("month")
    kind = pl.col("resource_config_instance_type")

    def failures() -> pl.LazyFrame:
        ended = held.filter(
            pl.col("training_end_time").is_not_null()
            & pl.col("training_job_status").is_in(["Completed", "Failed", "Stopped"])
        )
        failed = (pl.col("training_job_status") == "Failed").sum()
        return ended.group_by(month).agg(pl.len().alias("jobs"), failed.alias("failed"))

    def hours() -> pl.LazyFrame:
        counted = pl.col("resource_config_instance_count").is_not_null() & kind.is_not_null()
        ended = held.filter(pl.col("training_end_time").is_not_null() & counted)
        run = (pl.col("training_end_time") - pl.col("training_start_time")).dt.total_microseconds() / 1e6
        used = (run * pl.col("resource_config_instance_count")).sum() / 3600
        return ended.group_by(kind, pl.col("training_start_time").dt.strftime("%Y-%m").alias("month")).agg(used)

    def waits() -> pl.LazyFrame:
        started = held.filter(pl.col("training_start_time").is_not_null() & kind.is_not_null())
        wait = (pl.col("training_start_time") - pl.col("creation_time")).dt.total_microseconds() / 1e6
        quantiles = [wait.quantile(q, "linear").alias(str(q)) for q in (0.5, 0.9, 0.99)]
        return started.group_by(kind).agg(quantiles)

    def statuses() -> pl.LazyFrame:
        told = pl.scan_parquet(_paths(TRANSITIONS, jobs), hive_partitioning=False)
        took = (pl.col("end_time") - pl.col("start_time")).dt.total_microseconds() / 1e6
        return (
            told.filter(pl.col("end_time").is_not_null())
            .join(held.filter(kind.is_not_null()).select("training_job_arn", kind), on="training_job_arn")
            .group_by(kind, "status")
            .agg(took.sum().alias("seconds"), pl.len().alias("visits"))
        )

    def peaks() -> pl.LazyFrame:
        ended = held.filter(pl.col("training_end_time").is_not_null())
        events = pl.concat(
            [
                ended.select(pl.col(f"training_{name}_time").alias("at"), pl.lit(change).alias("change"))
                for name, change in (("start", 1), ("end", -1))
            ]
        )
        levels = events.group_by("at").agg(pl.col("change").sum()).sort("at").with_columns(pl.col("change").cum_sum())
        return levels.group_by(pl.col("at").dt.strftime("%Y-%m")).agg(pl.col("change").max())

    asked = {"failures": failures, "hours": hours, "waits": waits, "statuses": statuses, "peaks": peaks}
    return asked[question]().collect().rows()


def with_pandas(question: str, jobs: int) -> Answer:
    import pandas as pd

    def read(table: str, *columns: str) -> Any:
        return pd.concat(
            [pd.read_parquet(path, columns=list(columns), partitioning=None) for path in _paths(table, jobs)],
            ignore_index=True,
        )

    def month(times: Any) -> Any:
        return times.dt.strftime("%Y-%m").rename("month")

    kind = "resource_config_instance_type"

    def failures() -> Any:
        held = read(JOBS, "training_end_time", "training_job_status")
        ended = held[held.training_end_time.notna() & held.training_job_status.isin(["Completed", "Failed", "Stopped"])]
        failed = (ended.training_job_status == "Failed").groupby(month(ended.training_end_time))
        return failed.agg(["size", "sum"]).reset_index()

    def hours() -> Any:
        held = read(JOBS, "training_start_time", "training_end_time", kind, "resource_config_instance_count")
        ended = held.dropna(subset=["training_end_time", kind, "resource_config_instance_count"])
        used = (ended.training_end_time - ended.training_start_time).dt.total_seconds()
        used = used * ended.resource_config_instance_count / 3600
        return used.groupby([ended[kind], month(ended.training_start_time)]).sum().reset_index()

    def waits() -> Any:
        held = read(JOBS, "training_start_time", "creation_time", kind)
        started = held[held.training_start_time.notna() & held[kind].notna()]
        wait = (started.training_start_time - started.creation_time).dt.total_seconds()
        return wait.groupby(started[kind]).quantile([0.5, 0.9, 0.99]).unstack().reset_index()

    def statuses() -> Any:
        held, told = (
            read(JOBS, "training_job_arn", kind),
            read(TRANSITIONS, "training_job_arn", "status", "start_time", "end_time"),
        )
        joined = told[told.end_time.notna()].merge(held[held[kind].notna()], on="training_job_arn")
        took = (joined.end_time - joined.start_time).dt.total_seconds()
        return took.groupby([joined[kind], joined.status]).agg(["sum", "size"]).reset_index()

    def peaks() -> Any:
        held = read(JOBS, "training_start_time", "training_end_time").dropna(subset="training_end_time")
        starts, ends = held.training_start_time.value_counts(), held.training_end_time.value_counts()
        levels = starts.sub(ends, fill_value=0).sort_index().cumsum()
        return levels.groupby(levels.index.strftime("%Y-%m")).max().reset_index()

    asked = {"failures": failures, "hours": hours, "waits": waits, "statuses": statuses, "peaks": peaks}
    return [tuple(row) for row in asked[question]().itertuples(index=False)]


CONTESTANTS: dict[str, Callable[[str, int], Answer]] = {
    "duckdb": with_duckdb,
    "polars": with_polars,
    "pandas": with_pandas,
}


def _is_same(answer: Answer, other: Answer) -> bool:
    """Whether two answers have the same rows, in whatever order, and numbers to within a billionth."""
    texts, numbers = zip(*map(_parted, (answer, other)), strict=True)
    return texts[0] == texts[1] and all(
        math.isclose(one, two, rel_tol=1e-9) for one, two in zip(*map(chain.from_iterable, numbers), strict=True)
    )


def _parted(answer: Answer) -> tuple[list[list[str]], list[list[float]]]:
    """The texts of the rows, and their numbers, ordered by texts: these tell a question's rows apart."""
    rows = [
        ([cell for cell in row if isinstance(cell, str)], [float(cell) for cell in row if isinstance(cell, Real)])
        for row in answer
    ]
    rows.sort()
    return [texts for texts, _ in rows], [numbers for _, numbers in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--question", choices=SQL, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        report(lambda: CONTESTANTS[options.contestant](options.question, options.jobs))
        return
    results: dict[str, Any] = {}
    for question in SQL:
        ours = with_duckdb(question, options.jobs)
        for name in ("polars", "pandas"):
            assert _is_same(CONTESTANTS[name](question, options.jobs), ours), (question, name)
        arguments = ["--question", question, str(options.jobs)]
        runs = measure(__spec__.name, CONTESTANTS, arguments, REPETITIONS, CORES)
        results[question] = {name: asdict(median(measured)) for name, measured in runs.items()}
        took = {name: found["wall_seconds"] for name, found in results[question].items()}
        ratios = (f"{took['duckdb'] / took[name]:.2f} x {name}" for name in ("polars", "pandas"))
        print(f"{question}: {', '.join(ratios)}")
    (RESULTS / "questions.json").write_text(json.dumps({"jobs": options.jobs, "questions": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
