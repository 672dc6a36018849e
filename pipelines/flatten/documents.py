"""Documents as rows: lines of the raw archive become the relation ``documents`` that the tables are read from.

Here: what becomes of each line (passed, brought to the API's shape, or quarantined with its reason), and the SQL that
reads those that passed. Not here: the tables (``layout``), and which version of a job is kept (``lake``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from pipelines.flatten import gate
from pipelines.flatten.dialects import UnreadableError, read_document
from pipelines.flatten.layout import document_type
from pipelines.tables import literal

# Region and account name folders: nothing else fits through here.
_ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]{1,32}):(?P<account_id>[0-9]{12}):training-job/.+", re.DOTALL
)

# A record at every limit that SageMaker documents has some 1 MB; a row is read whole.
MOST_BYTES = 16 * 2**20
# The source of rows that came as EventBridge events, wherever from: any record of the job takes their place.
EVENT_SOURCE = "event"


@dataclass(frozen=True)
class Quarantined:
    """A line that could not be read: why, at which member (a path, or ""), and the line as text."""

    reason: str
    path: str
    line: str


@dataclass
class Written:
    """What ``write_rows`` did: documents read, and those of them that could not be."""

    documents: int
    quarantined: list[Quarantined]


class _RawLine(msgspec.Struct):
    observed_at: float
    document: msgspec.Raw


class _Row(msgspec.Struct, gc=False):
    account_id: str
    region: str
    training_job_arn: str
    observed_at: float
    source: str
    unmodelled_fields: str | None
    position: int
    document: Any


def write_rows(lines: Iterable[bytes], source: str, rows: IO[bytes], position: int = 0) -> Written:
    """Write a row as NDJSON for each line that can be read; the others are returned.

    ``lines`` are the raw archive's (``{"observed_at": …, "document": …}``). Rows are numbered from ``position``: among
    equals the later one is the newer.
    """
    raw_line = msgspec.json.Decoder(_RawLine)
    encode = msgspec.json.Encoder().encode
    written = Written(0, [])
    for line in lines:
        try:
            if len(line) > MOST_BYTES:
                raise UnreadableError("", f"{len(line):,} bytes: more than {MOST_BYTES:,}")
            row = _row(raw_line.decode(line), source, position + written.documents)
            rows.write(encode(row) + b"\n")
        except UnreadableError as error:
            written.quarantined.append(Quarantined(error.reason, error.path, line.decode(errors="backslashreplace")))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = f"not JSON: {error}"
            written.quarantined.append(Quarantined(reason, "", line.decode(errors="backslashreplace")))
        written.documents += 1
    return written


def _row(received: _RawLine, source: str, position: int) -> _Row:
    unmodelled: dict[str, Any] = {}
    is_event = False
    document: Any
    try:
        document = gate.decoder().decode(received.document)
        arn, creation_time = document.TrainingJobArn, document.CreationTime
    except msgspec.ValidationError:
        document, unmodelled, is_event = read_document(bytes(received.document))
        arn, creation_time = document.get("TrainingJobArn"), document.get("CreationTime")
    parts = _ARN.fullmatch(arn or "")
    if not parts:
        raise UnreadableError("TrainingJobArn", "absent, or not the ARN of a training job")
    if not isinstance(creation_time, float):
        raise UnreadableError("CreationTime", "absent")
    return _Row(
        account_id=parts["account_id"],
        region=parts["region"],
        training_job_arn=parts[0],
        observed_at=received.observed_at,
        source=EVENT_SOURCE if is_event else source,
        unmodelled_fields=msgspec.json.encode(unmodelled, order="sorted").decode() if unmodelled else None,
        position=position,
        document=document,
    )


def rows_query(file: Path) -> str:
    """The rows of a file of ``write_rows``, with their ``month`` of CreationTime and ``last_modified_time``."""
    instant = "make_timestamp(round({} * 1e6)::bigint)"
    return (
        "select account_id, region, training_job_arn, source, unmodelled_fields, position, document,"
        f" {instant.format('observed_at')} as observed_at,"
        f" {instant.format('document.LastModifiedTime')} as last_modified_time,"
        f" strftime({instant.format('document.CreationTime')}, '%Y-%m') as month"
        f" from read_json({literal(str(file))}, format = 'newline_delimited', maximum_object_size = 134217728,"
        " columns = {account_id: 'VARCHAR', region: 'VARCHAR', training_job_arn: 'VARCHAR', observed_at: 'DOUBLE',"
        f" source: 'VARCHAR', unmodelled_fields: 'VARCHAR', position: 'BIGINT', document: {literal(document_type())}}})"
    )
