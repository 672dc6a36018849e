"""What is behind an error of DuckDB that is none of the program's: a damaged file, a full disk, too little memory.

Here: finding it, and saying what to do. Asked only after an error, for it reads the whole lake. Not here: mending.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.cloudwatch import store
from pipelines.errors import TrainyardError
from pipelines.flatten.layout import lake_tables
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest


def explained(error: duckdb.Error, home: Home) -> TrainyardError | None:
    """The error in one line with its way out, or None where it is the program's own."""
    text = " ".join(str(error).split())
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in text:
        return TrainyardError(f"{text}: free memory or disk space, or raise `memory_limit` for a build, then run again")
    manifest = read_manifest(home.lake)
    of_lake = [path for table in lake_tables() for path in manifest.paths(home.lake, table.name)]
    of_metrics = store.held(home).all_paths(home.metrics)
    remedies = dict.fromkeys(of_lake, "`trainyard rebuild` makes the lake anew")
    for path, remedy in (remedies | dict.fromkeys(of_metrics, store.remedy(home))).items():
        try:
            pq.ParquetFile(path).read()
        except (OSError, pa.ArrowException) as damage:
            told = " ".join(str(damage).split())
            return TrainyardError(f"{path} is damaged ({told}): {way_out(home, path, remedy)}")
    if str(home.builds) in text and not isinstance(error, duckdb.IOException):
        places = f"{home.builds} and {home.address(home.builds)}" if home.url else str(home.builds)
        remedy = f"remove {places}, `trainyard build` makes all of it anew"
        return TrainyardError(f"a file of a build is damaged ({text}): {remedy}")
    if isinstance(error, duckdb.IOException):
        return TrainyardError(f"{text}: correct this, then run again")
    return None


def way_out(home: Home, path: Path, remedy: str, then: str = "") -> str:
    """What to do about a damaged file: of one that is in a bucket, first to have it brought here anew and ``then``."""
    if not home.url:
        return remedy
    return f"remove it{then}, to have {home.address(path)} brought here again; if that is damaged too, {remedy}"
