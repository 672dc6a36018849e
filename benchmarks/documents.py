"""The documents that benchmarks work on: a hundred thousand a year, as Search would give them, each different.

Made from the simulator's fleets once, one NDJSON file for each number of documents, in a folder that git ignores.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.simulator.made_fleet import END_SECONDS, SHARES, made_documents

CACHE = Path(__file__).parent / "cache"
JOBS_A_YEAR = 100_000
YEAR_SECONDS = 365 * 24 * 3600
# More spot interruptions and waits for capacity than the simulator's own fleets have: some 7 transitions a job.
SHARES_OF_KINDS = SHARES | {
    "completed": 100,
    "completed after pending": 300,
    "interrupted": 300,
    "interrupted twice": 220,
    "restarted": 60,
}


def documents_file(count: int) -> Path:
    """A file of so many documents, one a line, by LastModifiedTime; the last year's are the same in every file."""
    path = CACHE / f"{count}.ndjson"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        beside = path.with_suffix(".tmp")
        arns = set()
        with beside.open("wb") as file:
            for document in _documents(count):
                arns.add(document["TrainingJobArn"])
                file.write(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        assert len(arns) == count, "some documents are of the same job"
        beside.replace(path)
    return path


def _documents(count: int) -> Iterator[dict[str, Any]]:
    gc.disable()  # it would walk millions of members, again and again
    years = -(-count // JOBS_A_YEAR)
    for year in reversed(range(years)):
        jobs = min(JOBS_A_YEAR, count - year * JOBS_A_YEAR)
        documents = made_documents(year + 1, jobs, END_SECONDS - year * YEAR_SECONDS, SHARES_OF_KINDS)
        yield from sorted(documents, key=lambda document: document["LastModifiedTime"])
    gc.enable()
