"""Removing files that the manifest no longer lists: superseded ones, and those of commits that were cut short.

Not here: what is current (``manifest``).
"""

from __future__ import annotations

import time
from pathlib import Path

from pipelines.home import Home
from pipelines.lake.manifest import read_manifest

# A build reads the files of the manifest it began with: none takes this long.
GRACE_SECONDS = 6 * 3600


def prune(home: Home, now: float | None = None) -> int:
    """Remove unlisted files last changed longer ago than the grace period; return how many."""
    before = (time.time() if now is None else now) - GRACE_SECONDS
    with home.writing():
        manifest = read_manifest(home.lake)
        # By the manifest, not by the layout: a newer service model may have tables that this one lacks.
        tables = {table for part in manifest.partitions for table in part.tables}
        listed = {path for table in tables for path in manifest.paths(home.lake, table)}
        stale = [path for path in home.lake.glob("*/*/*/*/*.parquet") if _is_stale(path, listed, before)]
        for path in stale:
            path.unlink()
    return len(stale)


def _is_stale(path: Path, listed: set[Path], before: float) -> bool:
    return path not in listed and path.stat().st_mtime < before
