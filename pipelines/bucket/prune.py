"""Removing from the bucket what nothing needs: superseded files of the lake, and old builds.

By the rules of the disk (``lake.prune``, ``models.build``), but for what the bucket has: other machines write there.
"""

from __future__ import annotations

import time

from pipelines.home import Home
from pipelines.lake.manifest import read_manifest
from pipelines.lake.prune import GRACE_SECONDS
from pipelines.models.build import BUILDS_KEPT


def prune_bucket(home: Home, now: float | None = None) -> int:
    """Remove objects of the lake that are not listed, and all but the latest builds; return how many objects.

    Of those only what is older than the grace period. Nothing where the data directory is on disk.
    """
    if not home.mirror:
        return 0
    before = (time.time() if now is None else now) - GRACE_SECONDS
    with home.writing():
        bucket = home.mirror.bucket
        manifest = read_manifest(home.lake)
        tables = {table for part in manifest.partitions for table in part.tables}
        listed = {path.relative_to(home.root).as_posix() for t in tables for path in manifest.paths(home.lake, t)}
        lake = [each for each in bucket.listed("lake/", "lake0") if each.name.endswith(".parquet")]
        builds = list(bucket.listed("builds/", "builds0"))
        kept = sorted({_build(each.name) for each in builds})[-BUILDS_KEPT:]
        unneeded = [each for each in lake if each.name not in listed]
        unneeded += [each for each in builds if _build(each.name) not in kept]
        old = [each.name for each in unneeded if each.changed_at.timestamp() < before]
        bucket.remove(old)
    return len(old)


def _build(name: str) -> str:
    return name.split("/")[1]
