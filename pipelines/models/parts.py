"""The parts of a lake: the jobs created in some months, few enough for one query to hold.

Incremental models are made part by part, and anew only for parts in which something changed; those by month are made
by stretches of months, whatever these are the months of. Here: which parts and stretches there are. Not here: making
models (``build``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pipelines.flatten.layout import main_table
from pipelines.lake.manifest import Manifest, Partition
from pipelines.tables import Table

WHOLE = "all"
# Each part costs every incremental model a query: small lakes have one part, larger ones years, then months.
JOBS_A_PART = 25_000


# The first month of a stretch, and the first after it; None for all there are before, or after.
Stretch = tuple[str | None, str | None]


@dataclass(frozen=True)
class LakeFiles:
    """A table of the lake, and the files that its rows are in."""

    table: Table
    paths: list[Path]


@dataclass(frozen=True)
class Parts:
    """The parts of a lake by name, each with its months (``YYYY-MM``), and what relations are in a part.

    ``inputs``: SELECTs of their rows, or files of the lake, by part and relation. ``tables``: relations whose rows have
    a column ``month``.
    """

    months: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {WHOLE: ()})
    inputs: Mapping[str, Mapping[str, str | LakeFiles]] = field(default_factory=dict)
    tables: frozenset[str] = frozenset()

    @property
    def stretches(self) -> dict[str, Stretch]:
        """All months there can be, cut where a part begins, by name: as large as the parts, for models by month."""
        begins = sorted(months[0] for months in self.months.values() if months)[1:]
        bounds = [None, *begins, None]
        named = ((f"from-{first}" if first else f"before-{end}", (first, end)) for first, end in pairwise(bounds))
        return dict(named) if begins else {WHOLE: (None, None)}


def lake_parts(manifest: Manifest) -> dict[str, Manifest]:
    """The parts of a lake by name (``all``, a year, or a month), earlier ones first."""
    whole = {WHOLE: manifest}
    return _split(_split(whole, lambda part: part.month[:4]), lambda part: part.month)


def _split(parts: Mapping[str, Manifest], name: Callable[[Partition], str]) -> dict[str, Manifest]:
    """The same with parts that are too large in parts of these names."""
    split: dict[str, Manifest] = {}
    for part, manifest in parts.items():
        if manifest.rows(main_table().name) <= JOBS_A_PART:
            split[part] = manifest
        else:
            names = sorted({name(partition) for partition in manifest.partitions})
            for each in names:
                split[each] = Manifest(partitions=tuple(p for p in manifest.partitions if name(p) == each))
    return split
