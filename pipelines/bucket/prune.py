"""Removing from the bucket what nothing needs: superseded files of the lake, old builds, and their models' files.

By the rules of the disk (``lake.prune``, ``models.build``), but for what the bucket has: other machines write there.
"""

from __future__ import annotations

import time

import msgspec

from pipelines.home import Home
from pipelines.lake.prune import GRACE_SECONDS, listed_files
from pipelines.models.build import BUILDS_KEPT, FILES


def prune_bucket(home: Home, now: float | None = None) -> int:
    """Remove objects of the lake that are not listed, all but the latest builds, and models' files that these lack.

    Of those only what is older than the grace period; returns how many. Nothing where the data directory is on disk.
    """
    if not home.mirror:
        return 0
    before = (time.time() if now is None else now) - GRACE_SECONDS
    with home.writing():
        bucket = home.mirror.bucket
        needed = {path.relative_to(home.root).as_posix() for path in listed_files(home)}
        found = [*bucket.listed("lake/", "lake0"), *bucket.listed("metrics/", "metrics0")]
        found = [each for each in found if each.name.endswith(".parquet")]
        found += bucket.listed("builds/", "builds0")
        builds = {each.name.split("/")[1] for each in found if each.name.startswith("builds/")} - {"models"}
        young = {each.name.split("/")[1] for each in found if each.changed_at.timestamp() >= before}
        for build in {*sorted(builds)[-BUILDS_KEPT:], *(builds & young)}:
            needed |= {each.name for each in found if each.name.startswith(f"builds/{build}/")}
            needed |= _models_of(home, build)
        old = [each.name for each in found if each.name not in needed and each.changed_at.timestamp() < before]
        bucket.remove(old)
    return len(old)


def _models_of(home: Home, build: str) -> set[str]:
    """The objects of models that a build lists; none if it is not whole, for whoever makes it whole brings them."""
    here = home.builds / build / FILES
    if here.exists():
        content = here.read_bytes()
    elif home.mirror and (read := home.mirror.bucket.read(f"builds/{build}/{FILES}")):
        content = read.content
    else:
        return set()
    listed = msgspec.json.decode(content, type=dict[str, dict[str, str]])
    return {f"builds/{name}" for parts in listed.values() for name in parts.values()}
