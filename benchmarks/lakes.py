"""The lakes that benchmarks build from: a hundred thousand made jobs, flattened once, and copied to other years.

A million jobs are ten years of a hundred thousand each, ten million ten years of a million each. A copy is of other
jobs (their names and ARNs end in its number), some seconds later than the one before, in the files of their own
months. Made once, in a folder that git ignores. Not here: what is measured.
"""

from __future__ import annotations

import tempfile

import duckdb

from benchmarks.documents import CACHE, documents_file
from benchmarks.flatten import trainyard
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.harvest.archive import RawArchive, write_last_look
from pipelines.home import Home
from pipelines.lake.commit import joined, write_rows
from pipelines.lake.manifest import Manifest, Partition, read_manifest, replace_manifest, select_table
from pipelines.simulator.made_fleet import END_SECONDS
from pipelines.tables import quoted

JOBS_A_COPY = 100_000
YEARS = 10
# A copy is so much later than the one before: times that are all equal would be easier than real ones.
SECONDS_APART = 97


def lake_home(jobs: int) -> Home:
    """A home whose lake has so many jobs, a multiple of ``JOBS_A_COPY``; nobody may write to it."""
    home = Home(CACHE / f"lake-{jobs}")
    if not (home.lake / "manifest.json").exists():
        copies = jobs // JOBS_A_COPY
        years = min(copies, YEARS)
        base = _base()
        _copy(base, home, [(year, number) for year in range(years) for number in range(copies // years)])
        write_last_look(home.root, _source(base), END_SECONDS + copies // years * SECONDS_APART)
    return home


def months_of(jobs: int) -> int:
    """How many months so many jobs are of, each a part of the lake."""
    return 12 * min(jobs // JOBS_A_COPY, YEARS)


def _source(home: Home) -> str:
    return RawArchive(home.raw).sources()[0]


def _base() -> Home:
    home = Home(CACHE / "lake-base")
    if not (home.lake / "manifest.json").exists():
        trainyard(documents_file(JOBS_A_COPY), home.root)
    return home


def _copy(base: Home, home: Home, copies: list[tuple[int, int]]) -> None:
    """Write copies of a lake, each so many years earlier, and the how manieth of its year it is."""
    manifest = read_manifest(base.lake)
    parts: list[Partition] = []
    home.create()
    with duckdb.connect() as connection, tempfile.TemporaryDirectory(dir=home.root) as spilled:
        connection.execute("set temp_directory = $1", [spilled])
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set memory_limit = '8GiB'")
        main = main_table()
        connection.execute(
            "create table created as select training_job_arn as own_arn, creation_time as created_at from"
            f" ({select_table(main.table, manifest.paths(base.lake, main.name))})"
        )
        for table in lake_tables():
            (home.lake / table.name).mkdir(parents=True, exist_ok=True)
            held = select_table(table.table, manifest.paths(base.lake, table.name))
            for year in sorted({year for year, _ in copies}):
                numbers = ", ".join(f"({number})" for own_year, number in copies if own_year == year)
                later = f"to_seconds(number * {SECONDS_APART}) - to_years({year})"
                replaced = [
                    f"{quoted(column.name)} + {later} as {quoted(column.name)}"
                    for column in table.table.columns
                    if column.type == "TIMESTAMP"
                ]
                replaced += [
                    f"{name} || '-' || number || '-{year}' as {name}"
                    for name in ("training_job_arn", "training_job_name")
                    if name in {column.name for column in table.table.columns}
                ]
                replaced.append(f"strftime(created_at + {later}, '%Y-%m') as month")
                select = (
                    f"select held.* replace ({', '.join(replaced)}) from ({held}) as held"
                    " inner join created on training_job_arn = own_arn"
                    f" cross join (values {numbers}) as copies (number)"
                )
                parts += write_rows(connection, home.lake, table, select, f"{year:02d}")
    replace_manifest(home.lake, Manifest(1, {}, joined(parts)))
