"""Merging raw's batches of months that are over, so that raw stays at a few files a month however often it is added to.

Here: which batches become one. Not here: how that comes into force (``archive``). The last batch that was flattened
stays as it is: the lake goes on after the one of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from pipelines import files
from pipelines.harvest.archive import RawArchive, part_of
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest

# Compressed: some 25,000 documents, as many as a commit takes. A batch is flattened in one.
MOST_BYTES = 8 * 2**20
# So many of a month, side by side, stay as they are.
FEW = 4


def merge_months(home: Home) -> int:
    """Merge each source's batches of the months before that of the last flattened one; return how many went."""
    archive = RawArchive(home.raw)
    gone = 0
    with home.writing():
        for source, last in read_manifest(home.lake).flattened.items():
            for batches in _mergeable(archive.batches(source), last):
                try:
                    archive.merge(batches)
                except OSError as error:
                    if error.errno:
                        raise
                    continue  # one is damaged, which every flatten tells
                gone += len(batches)
    return gone


def _mergeable(batches: list[Path], last: str) -> Iterator[list[Path]]:
    """Runs of batches, earlier than the one named ``last``, that are to be one."""
    names = [batch.name for batch in batches]
    if last not in names:
        return
    over = batches[: names.index(last)]
    this_month = _month(batches[len(over)])
    for (month, is_single), group in groupby(over, key=lambda batch: (_month(batch), _is_single(batch))):
        if is_single and month < this_month and len(many := list(group)) > FEW:
            files.fetch(many)
            yield from (run for run in _runs(many) if len(run) > 1)


def _month(batch: Path) -> str:
    """The month (``YYYY-MM``) up to which its source was harvested with it."""
    return f"{datetime.fromtimestamp(int(part_of(batch, 'watermark')) / 1e6, UTC):%Y-%m}"


def _is_single(batch: Path) -> bool:
    """Whether it is as it was written. One with a label stands for a file that was imported."""
    return not (part_of(batch, "last") or part_of(batch, "label"))


def _runs(batches: list[Path]) -> Iterator[list[Path]]:
    """The same in their order, cut where they are too large to be one."""
    run: list[Path] = []
    size = 0
    for batch in batches:
        length = batch.stat().st_size
        if run and size + length > MOST_BYTES:
            yield run
            run, size = [], 0
        run.append(batch)
        size += length
    if run:
        yield run
