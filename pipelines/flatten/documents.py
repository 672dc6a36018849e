"""Documents as rows: lines of the raw archive become an Arrow table of nested documents, one row a job.

Here: what becomes of each line (passed, brought to the API's shape, or quarantined with its reason), which of a job's
versions is the newest, and reading the documents that passed. Not here: the tables (``unnest``), and what the lake has.

DuckDB reads what passed. It nulls members of a wrong type in silence, so nothing may come to it but through the gate;
and of a member that is there twice it takes the first where the last counts, so the gate's reading is encoded anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from pipelines.flatten import gate
from pipelines.flatten.dialects import UnreadableError, read_document
from pipelines.flatten.layout import document_structure
from pipelines.tables import literal

# A record at every limit that SageMaker documents has some 1 MB; a document is read whole.
MOST_BYTES = 16 * 2**20
# So many jobs are nested arrays at once, in each of the threads that make some: some 35 MB.
JOBS_A_PIECE = 4_000
# DuckDB parses so many documents at once: with more, what it makes of them does not stay in the processor's cache.
DOCUMENTS_A_CHUNK = 256

# The source of rows that came as EventBridge events, wherever from: any record of the job takes their place.
EVENT_SOURCE = "event"
# LastModifiedTime of a job without one: before all times.
NEVER = -(2**63)

_DAY_SECONDS = 86_400  # so much may clocks differ

# What an ARN has before the job's name. Region and account name folders: nothing else fits through here.
_OWNER = re.compile(r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]{1,32}):(?P<account_id>[0-9]{12}):training-job")


@dataclass(frozen=True)
class Quarantined:
    """A line that could not be read: why, at which member (a path, or ""), and the line as text."""

    reason: str
    path: str
    line: str


class Row(msgspec.Struct, frozen=True, gc=False):
    """A version of a job: ``document`` is JSON in the API's shape, each member once.

    ``version`` is whether it is a record and no event, then LastModifiedTime (NEVER if absent) and the instant of
    observation, in epoch microseconds: the greater is the newer, and of equals the later received. ``partition``:
    account, region, month of CreationTime (``YYYY-MM``).
    """

    training_job_arn: str
    version: tuple[bool, int, int]
    partition: tuple[str, str, str]
    source: str
    unmodelled_fields: str | None
    document: bytes


@dataclass
class Taken:
    """What ``take_lines`` did: documents read, and those of them that could not be."""

    documents: int
    quarantined: list[Quarantined]


class _RawLine(msgspec.Struct):
    observed_at: float
    document: msgspec.Raw


_PARTITION = attrgetter("partition")
_RAW_LINE = msgspec.json.Decoder(_RawLine)
_ENCODE = msgspec.json.Encoder().encode


@cache
def _strict_line() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(
        msgspec.defstruct("StrictLine", [("observed_at", float), ("document", gate.document_type())], gc=False)
    )


def take_lines(lines: Iterable[bytes], source: str, newest: dict[str, Row]) -> Taken:
    """Take each line that can be read into ``newest`` (by ARN), if it is newer than what that has; return the others.

    ``lines`` are the raw archive's (``{"observed_at": …, "document": …}``), the earlier received first.
    """
    taken = Taken(0, [])
    for line in lines:
        try:
            if len(line) > MOST_BYTES:
                raise UnreadableError("", f"{len(line):,} bytes: more than {MOST_BYTES:,}")
            row = _row(line, source)
            known = newest.get(row.training_job_arn)
            if known is None or row.version >= known.version:
                newest[row.training_job_arn] = row
        except UnreadableError as error:
            taken.quarantined.append(Quarantined(error.reason, error.path, line.decode(errors="backslashreplace")))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = f"not JSON: {error}"
            taken.quarantined.append(Quarantined(reason, "", line.decode(errors="backslashreplace")))
        taken.documents += 1
    return taken


def _row(line: bytes, source: str) -> Row:
    unmodelled: dict[str, Any] = {}
    is_event = False
    try:
        strict = _strict_line().decode(line)
        document, observed_at = strict.document, strict.observed_at
        arn, creation_time = document.TrainingJobArn, document.CreationTime
        last_modified_time = document.LastModifiedTime
    except msgspec.ValidationError:
        raw = _RAW_LINE.decode(line)
        document, unmodelled, is_event = read_document(bytes(raw.document))
        observed_at = raw.observed_at
        arn, creation_time = document.get("TrainingJobArn"), document.get("CreationTime")
        last_modified_time = document.get("LastModifiedTime")
    owner, _, name = (arn or "").partition("/")
    account_and_region = _account_and_region(owner)
    if not (account_and_region and name):
        raise UnreadableError("TrainingJobArn", "absent, or not the ARN of a training job")
    if not isinstance(creation_time, float):
        raise UnreadableError("CreationTime", "absent")
    if creation_time > observed_at + _DAY_SECONDS:  # its rows would stretch every hourly mart to then
        raise UnreadableError("CreationTime", "more than a day after the document was seen")
    day = _microseconds(creation_time) // _microseconds(_DAY_SECONDS)
    modified = _microseconds(last_modified_time) if isinstance(last_modified_time, float) else NEVER
    return Row(
        training_job_arn=arn,
        version=(not is_event, modified, _microseconds(observed_at)),
        partition=(*account_and_region, _month(day)),
        source=EVENT_SOURCE if is_event else source,
        unmodelled_fields=msgspec.json.encode(unmodelled, order="sorted").decode() if unmodelled else None,
        document=_ENCODE(document),
    )


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


@lru_cache(10_000)
def _account_and_region(owner: str) -> tuple[str, str] | None:
    """Whose jobs have ARNs that begin so; None if no training job's does."""
    parts = _OWNER.fullmatch(owner)
    return (parts["account_id"], parts["region"]) if parts else None


@cache
def _month(day: int) -> str:
    """The month (``YYYY-MM``) that a day, counted from 1970-01-01, is in."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()[:7]


def pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows by partition, cut where one ends, or where one is too large in itself: to be read a piece at a time."""
    piece: list[Row] = []
    for _, group in groupby(sorted(rows, key=_PARTITION), key=_PARTITION):
        while part := list(islice(group, JOBS_A_PIECE)):
            if len(piece) + len(part) > JOBS_A_PIECE:
                yield piece
                piece = []
            piece = piece + part
    if piece:
        yield piece


def read_rows(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> pa.Table:
    """The rows in their order: KEY_COLUMNS, OBSERVATION_COLUMNS, and the nested ``document`` (times: epoch seconds)."""
    chunks = (rows[start : start + DOCUMENTS_A_CHUNK] for start in range(0, len(rows), DOCUMENTS_A_CHUNK))
    texts = pa.chunked_array(
        pa.array([row.document for row in chunk], pa.binary()).view(pa.string()) for chunk in chunks
    )
    connection.register("texts", pa.table({"text": texts}))
    nested = connection.sql(f"select from_json(text, {literal(document_structure())}) from texts")
    accounts, regions, months = zip(*(row.partition for row in rows), strict=True)
    return pa.table(
        {
            "account_id": accounts,
            "region": regions,
            "month": months,
            "training_job_arn": [row.training_job_arn for row in rows],
            "observed_at": pa.array([row.version[2] for row in rows], pa.timestamp("us")),
            "source": [row.source for row in rows],
            "unmodelled_fields": pa.array([row.unmodelled_fields for row in rows], pa.string()),
            "document": nested.to_arrow_table().column(0),
        }
    )
