"""Removing files that nothing needs: superseded ones of the lake, and what killed processes left half written.

Not here: what is current (``manifest``).
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from pipelines.cloudwatch import store
from pipelines.files import leftovers
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest

# A build reads the files of the manifest that it began with, and is only then whole: none takes this long.
GRACE_SECONDS = 6 * 3600


def prune(home: Home, now: float | None = None) -> int:
    """Remove files of lake and measurements that are not listed, and leftovers, if changed before the grace period."""
    before = (time.time() if now is None else now) - GRACE_SECONDS
    with home.writing():
        listed = listed_files(home)
        files = (path for folder in (home.lake, home.metrics) for path in folder.glob("*/*/*/*/*.parquet"))
        unlisted = [path for path in files if path not in listed]
        stale = [path for path in (*unlisted, *leftovers(home.root)) if _changed_at(path) < before]
        for path in stale:
            path.unlink(missing_ok=True)
    return len(stale)


def _changed_at(path: Path) -> float:
    """When a file was changed; of one that was put in place or removed meanwhile: never before now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def listed_files(home: Home) -> set[Path]:
    """The files of lake and measurements that are in force."""
    return read_manifest(home.lake).all_paths(home.lake) | store.held(home).all_paths(home.metrics)
