"""Bringing into the lake what the raw archive holds beyond it, in commits of bounded size.

Here: which batches are due, what they leave in quarantine, and putting each commit in force. Not here: how documents
become rows (``flatten``) or which rows win (``commit``).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import msgspec

from pipelines import files
from pipelines.flatten.documents import Quarantined, Row, take_lines
from pipelines.harvest.archive import RawArchive
from pipelines.home import Home
from pipelines.lake.commit import upserted
from pipelines.lake.damage import way_out
from pipelines.lake.manifest import Manifest, last_generation, read_manifest, replace_manifest
from pipelines.lake.quarantine import Quarantine

# So many documents, some 90 MB of JSON, are in memory at once, and as many more that are read meanwhile.
DOCUMENTS_A_COMMIT = 25_000


@dataclass(frozen=True)
class Loaded:
    """What a load did: documents read, those of them in quarantine, jobs that changed."""

    documents: int = 0
    quarantined: int = 0
    changed: int = 0


Progress = Callable[[Loaded], None]


def load(home: Home, on_progress: Progress = lambda loaded: None) -> Loaded:
    """Bring what raw holds beyond the lake into it; each commit is in force as soon as it is whole."""
    with home.writing() as work:
        manifest = read_manifest(home.lake)
        return _load(home, work, manifest, lambda new: replace_manifest(home.lake, new), on_progress)


def reload(home: Home, on_progress: Progress = lambda loaded: None) -> Loaded:
    """Make the lake anew from all that raw holds; readers see the old one until the new one is whole."""
    with home.writing() as work:
        commits = [Manifest(last_generation(home.lake))]
        loaded = _load(home, work, commits[0], commits.append, on_progress)
        replace_manifest(home.lake, commits[-1])
        return loaded


def _load(
    home: Home, work: Path, manifest: Manifest, commit: Callable[[Manifest], None], on_progress: Progress
) -> Loaded:
    loaded = Loaded()
    with _no_cyclic_collector(), duckdb.connect() as connection:
        connection.execute("set temp_directory = $1", [str(work)])
        connection.execute("set preserve_insertion_order = false")
        # The commit's own threads share the work. With more of DuckDB's, each of them would wait for its own by asking
        # over and over, with Python's lock in hand.
        connection.execute("set threads = 1")
        connection.execute("set enable_external_file_cache = false")  # files are read once, and memory stays bounded
        for due in _one_ahead(_due(home, manifest.flattened)):
            manifest, changed = upserted(connection, home.lake, manifest, due.newest)
            manifest = msgspec.structs.replace(manifest, flattened=manifest.flattened | due.flattened)
            commit(manifest)
            loaded = Loaded(
                loaded.documents + due.documents, loaded.quarantined + due.quarantined, loaded.changed + changed
            )
            on_progress(loaded)
            gc.collect(0)
    return loaded


def _undamaged(home: Home, batch: Path, damage: list[Quarantined]) -> Iterator[bytes]:
    """The lines of a batch up to where it is damaged, if it is; ``damage`` then tells."""
    try:
        yield from RawArchive(home.raw).read(batch)
    except OSError as error:
        if error.errno:  # the file could not be read, whatever is in it
            raise
        remedy = way_out(
            home,
            batch,
            "to get them again move it and the later files of its folder away, harvest or import, then"
            " `trainyard rebuild`",
            then=" and run `trainyard rebuild`",
        )
        damage.append(Quarantined(f"{batch} is damaged ({error}) and some of its documents are lost: {remedy}", "", ""))


@dataclass
class _Due:
    """What the next commit is made of: the newest version of each job, and the last batch of each source in it."""

    newest: dict[str, Row] = field(default_factory=dict)
    flattened: dict[str, str] = field(default_factory=dict)
    documents: int = 0
    quarantined: int = 0


def _due(home: Home, flattened: Mapping[str, str]) -> Iterator[_Due]:
    """What raw holds beyond ``flattened``, in commits of bounded size; what cannot be read goes into quarantine."""
    archive, quarantine = RawArchive(home.raw), Quarantine(home.quarantine)
    if not flattened:  # all of raw is read anew, and batches may have been taken away since
        quarantine.keep({(source, batch.name) for source in archive.sources() for batch in archive.batches(source)})
    due = _Due()
    for source in archive.sources():
        batches = archive.batches(source, flattened.get(source))
        files.fetch(batches)
        for batch in batches:
            damage: list[Quarantined] = []
            taken = take_lines(_undamaged(home, batch, damage), source, due.newest)
            taken.quarantined += damage
            quarantine.replace(source, batch.name, taken.quarantined)
            due.flattened[source] = batch.name
            due.documents += taken.documents
            due.quarantined += len(taken.quarantined)
            if due.documents >= DOCUMENTS_A_COMMIT:
                yield due
                due = _Due()
    if due.flattened:
        yield due


@contextmanager
def _no_cyclic_collector() -> Iterator[None]:
    """Millions of rows live a while, none of them in a cycle: the collector would walk them in vain."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _one_ahead(items: Iterator[_Due]) -> Iterator[_Due]:
    """The same items, each made in a thread of its own while the one before is dealt with."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while item := coming.result():
            coming = thread.submit(next, items, None)
            yield item
