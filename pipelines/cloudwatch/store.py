"""Where measurements are kept: Parquet files that nothing alters, and a manifest of those in force, as the lake's.

    metrics/<table>/account_id=…/region=…/month=…/*.parquet
    metrics/manifest.json

Beside the lake, for no rebuild could make them again. Points and the windows in which they were asked for come into
force in one step. Here: adding them, and joining files where they have become many. Not here: asking.
"""

from __future__ import annotations

import uuid

import duckdb
import pyarrow as pa

from pipelines import files
from pipelines.cloudwatch.tables import METRIC_TABLES, METRIC_WINDOWS
from pipelines.home import Home
from pipelines.lake.commit import joined, write_rows
from pipelines.lake.manifest import Manifest, Partition, read_manifest, replace_manifest, select_table
from pipelines.tables import Table

# A partition is in too many files when a table has this many, and one more for so many windows.
SPARE_FILES, WINDOWS_A_FILE = 8, 20_000


def held(home: Home) -> Manifest:
    """What is in force."""
    return read_manifest(home.metrics, remedy(home))


def remedy(home: Home) -> str:
    """What to do where a file is damaged."""
    return f"bring it back from a copy, or remove {home.metrics}: what CloudWatch still has is asked for anew"


def add(home: Home, rows: dict[str, pa.Table]) -> None:
    """Keep rows of each table; all of them, or if the process dies none. To be called by one thread at a time."""
    manifest = held(home)
    generation = manifest.generation + 1
    name = f"{generation:08d}-{uuid.uuid4().hex[:8]}"
    gaining = set(zip(*(rows[METRIC_WINDOWS.name][key].to_pylist() for key in _PARTITION), strict=True))
    stale = [part for part in manifest.partitions if part.key in gaining and _is_scattered(part)]
    with duckdb.connect() as connection:
        written: list[Partition] = []
        for table in METRIC_TABLES:
            (home.metrics / table.name).mkdir(parents=True, exist_ok=True)
            connection.register("added", rows[table.name])
            written += write_rows(connection, home.metrics, table, f"select {_typed(table)} from added", name)
            if paths := Manifest(partitions=tuple(stale)).paths(home.metrics, table.name):
                select = select_table(table, paths)
                written += write_rows(connection, home.metrics, table, select, f"{name}-held")
    made = Manifest(partitions=joined(written))
    files.fsync_all(made.all_paths(home.metrics), home.metrics)
    kept = [part for part in manifest.partitions if part not in stale]
    replace_manifest(home.metrics, Manifest(generation, {}, joined([*kept, *written])))


_PARTITION = ("account_id", "region", "month")


def _typed(table: Table) -> str:
    return ", ".join(f"{column.name}::{column.type} as {column.name}" for column in table.columns)


def _is_scattered(part: Partition) -> bool:
    windows = part.tables[METRIC_WINDOWS.name]
    return len(windows.files) > SPARE_FILES + windows.rows // WINDOWS_A_FILE
