"""The table `lake.deleted_training_jobs`: jobs that their source no longer has. Their records stay in the lake.

    deleted/<source>.ndjson

Here: the marks, which no rebuild touches, and the table made from them. Not here: finding out (``verify``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from pipelines.errors import TrainyardError
from pipelines.files import write_whole
from pipelines.flatten.layout import main_table
from pipelines.home import Home
from pipelines.lake.manifest import Manifest, select_table
from pipelines.tables import Column, Table, literal

DELETED = Table(
    "lake",
    "deleted_training_jobs",
    "One row per training job that its source no longer has: its record is the last that was seen.",
    (
        Column("training_job_arn", "VARCHAR", "ARN of the training job."),
        Column("deleted_at", "TIMESTAMP", "Instant (UTC, the service's clock) at which it was first missed."),
    ),
)


class Mark(msgspec.Struct):
    """A job that is gone, and when it was first missed, in epoch seconds."""

    training_job_arn: str
    missed_at: float


_MARK = msgspec.json.Decoder(Mark)


def read_marks(home: Home, source: str) -> dict[str, float]:
    """The jobs of a source that are marked as deleted: ARN -> when each was first missed, in epoch seconds."""
    path = _folder(home) / f"{source}.ndjson"
    try:
        marks = [_MARK.decode(line) for line in path.read_bytes().splitlines()]
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = f"{home.removal(path)}, then run `trainyard verify`"
        raise TrainyardError(f"{path} cannot be read ({error}): {remedy}") from None
    return {mark.training_job_arn: mark.missed_at for mark in marks}


def write_marks(home: Home, source: str, marks: Mapping[str, float]) -> None:
    """Put these marks in place of the source's present ones."""
    lines = (msgspec.json.encode(Mark(arn, missed_at)) + b"\n" for arn, missed_at in sorted(marks.items()))
    write_whole(_folder(home) / f"{source}.ndjson", b"".join(lines))


def select_deleted(home: Home, manifest: Manifest) -> str:
    """A SELECT of the table's rows. A job that was seen again after it was missed has none."""
    paths = sorted(_folder(home).glob("*.ndjson"))
    for path in paths:
        read_marks(home, path.stem)  # says what to do about one that is damaged
    files = ", ".join(literal(str(path)) for path in paths)
    if not files:
        return select_table(DELETED, [])
    main = main_table()
    return (
        "select marks.training_job_arn, min(missed_at) as deleted_at"
        " from (select training_job_arn, make_timestamp(round(missed_at * 1e6)::bigint) as missed_at"
        f" from read_json([{files}], format = 'newline_delimited',"
        " columns = {training_job_arn: 'VARCHAR', missed_at: 'DOUBLE'})) as marks"
        f" join ({select_table(main.table, manifest.paths(home.lake, main.name))}) as jobs"
        " on jobs.training_job_arn = marks.training_job_arn"
        " where missed_at >= observed_at group by marks.training_job_arn"
    )


def _folder(home: Home) -> Path:
    return home.root / "deleted"
