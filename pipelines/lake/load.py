"""Bringing into the lake what the raw archive holds beyond it, in commits of bounded size.

Here: which batches are due, what they leave in quarantine, and putting each commit in force. Not here: how documents
become rows (``flatten``) or which rows win (``commit``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from pipelines.flatten.documents import Quarantined, write_rows
from pipelines.harvest.archive import RawArchive
from pipelines.home import Home
from pipelines.lake.commit import upserted
from pipelines.lake.manifest import Manifest, last_generation, read_manifest, replace_manifest
from pipelines.lake.quarantine import Quarantine

# So many documents are in memory at once: some 200 MB as JSON.
DOCUMENTS_A_COMMIT = 50_000


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
    archive, quarantine = RawArchive(home.raw), Quarantine(home.quarantine)
    due = [
        (source, path)
        for source in archive.sources()
        for path in archive.batches(source, manifest.flattened.get(source))
    ]
    loaded, rows = Loaded(), work / "rows.ndjson"
    with duckdb.connect() as connection:
        connection.execute("set temp_directory = $1", [str(work)])
        connection.execute("set preserve_insertion_order = false")
        while due:
            flattened, documents, quarantined = dict(manifest.flattened), 0, 0
            with rows.open("wb") as file:
                while due and documents < DOCUMENTS_A_COMMIT:
                    source, batch = due.pop(0)
                    damage: list[Quarantined] = []
                    written = write_rows(_undamaged(archive, batch, damage), source, file, documents)
                    written.quarantined += damage
                    quarantine.replace(source, batch.name, written.quarantined)
                    flattened[source] = batch.name
                    documents += written.documents
                    quarantined += len(written.quarantined)
            manifest, changed = upserted(connection, home.lake, manifest, rows)
            manifest = msgspec.structs.replace(manifest, flattened=flattened)
            commit(manifest)
            loaded = Loaded(loaded.documents + documents, loaded.quarantined + quarantined, loaded.changed + changed)
            on_progress(loaded)
    return loaded


def _undamaged(archive: RawArchive, batch: Path, damage: list[Quarantined]) -> Iterator[bytes]:
    """The lines of a batch up to where it is damaged, if it is; ``damage`` then tells."""
    try:
        yield from archive.read(batch)
    except OSError as error:
        if error.errno:  # the file could not be read, whatever is in it
            raise
        remedy = (
            "to get them again move it and the later files of its folder away, harvest or import, then"
            " `trainyard rebuild`"
        )
        damage.append(Quarantined(f"{batch} is damaged ({error}) and some of its documents are lost: {remedy}", "", ""))
