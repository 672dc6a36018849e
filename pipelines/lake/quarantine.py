"""The quarantine: lines of raw that could not be read, each with its reason, in one file for each raw batch.

Of a long line only the beginning. Raw keeps the lines too, whole: `trainyard rebuild` reads them again, and a line that
a newer version can read leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from pipelines import files
from pipelines.errors import TrainyardError
from pipelines.flatten.documents import Quarantined

MOST_CHARACTERS = 100_000


@dataclass(frozen=True)
class Quarantine:
    """The folder ``quarantine/<source>/<raw batch>.ndjson``."""

    folder: Path

    def replace(self, source: str, batch: str, quarantined: list[Quarantined]) -> None:
        """Say what of a raw batch is in quarantine: nothing, if the list is empty."""
        path = self.folder / source / f"{batch}.ndjson"
        if quarantined:
            shown = (replace(each, line=each.line[:MOST_CHARACTERS]) for each in quarantined)
            files.write_whole(path, b"".join(msgspec.json.encode(each) + b"\n" for each in shown))
        else:
            files.remove(path)

    def keep(self, batches: Collection[tuple[str, str]]) -> None:
        """Forget what is of other raw batches than these (source and name)."""
        for path in self.folder.glob("*/*.ndjson"):
            if (path.parent.name, path.stem) not in batches:
                files.remove(path)

    def lines(self) -> Iterator[tuple[str, Quarantined]]:
        """Every line in quarantine, with its source."""
        decode = msgspec.json.Decoder(Quarantined).decode
        for path in sorted(self.folder.glob("*/*.ndjson")):
            with path.open("rb") as file:
                for line in file:
                    try:
                        yield path.parent.name, decode(line)
                    except (msgspec.DecodeError, UnicodeDecodeError) as error:
                        message = f"{path} is damaged ({error}): `trainyard rebuild` writes it anew"
                        raise TrainyardError(message) from None
