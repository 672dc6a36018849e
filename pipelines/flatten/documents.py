"""Documents as rows: lines of the raw archive become an Arrow table of nested documents, one row a job.

Here: what becomes of each line (passed, brought to the API's shape, or quarantined with its reason), which of a job's
versions is the newest, and reading the documents that passed. Not here: the tables (``unnest``), and what the lake has.

A line that passes the strict gate is handed on byte for byte: encoding it anew would cost more than the gate. DuckDB
then reads it, and nulls members of a wrong type in silence: nothing may come to it but through the gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa

from pipelines.flatten import gate
from pipelines.flatten.dialects import UnreadableError, to_api_shape
from pipelines.flatten.layout import document_structure
from pipelines.flatten.record import ListOf, MapOf, Node, Structure, training_job
from pipelines.flatten.unnest import map_entries
from pipelines.tables import literal

# DuckDB parses so many lines at once: with more, what it makes of them does not stay in the processor's cache.
LINES_A_CHUNK = 256

# LastModifiedTime of a job without one: before all times.
NEVER = -(2**63)

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):(?P<account_id>\d{12}):training-job/.+")


@dataclass(frozen=True)
class Quarantined:
    """A line that could not be read: why, at which member (a path, or ""), and the line as text."""

    reason: str
    path: str
    line: str


# The members that are maps (None) or have some below them, by name.
_Maps = dict[str, "_Maps"] | None


class Row(NamedTuple):
    """A version of a job, and the line (JSON) whose member ``document`` it is.

    ``version`` is LastModifiedTime (NEVER if absent) and the instant of observation, in epoch microseconds: the greater
    is the newer, and of equals the later received. ``partition``: account, region, month of CreationTime (``YYYY-MM``).
    ``map_entries``: how many all its maps have together.
    """

    training_job_arn: str
    version: tuple[int, int]
    partition: tuple[str, str, str]
    source: str
    unmodelled_fields: str | None
    line: bytes
    map_entries: int


@dataclass
class Taken:
    """What ``take_lines`` did: documents read, and those of them that could not be."""

    documents: int
    quarantined: list[Quarantined]


class _RawLine(msgspec.Struct):
    observed_at: float
    document: msgspec.Raw


_RAW_LINE = msgspec.json.Decoder(_RawLine)


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
    try:
        strict = _strict_line().decode(line)
        document, observed_at = strict.document, strict.observed_at
        arn, creation_time = document.TrainingJobArn, document.CreationTime
        last_modified_time = document.LastModifiedTime
    except msgspec.ValidationError:
        raw = _RAW_LINE.decode(line)
        document, unmodelled = to_api_shape(msgspec.json.decode(raw.document))
        observed_at = raw.observed_at
        line = msgspec.json.encode({"document": document})
        arn, creation_time = document.get("TrainingJobArn"), document.get("CreationTime")
        last_modified_time = document.get("LastModifiedTime")
    parts = _ARN.fullmatch(arn or "")
    if not parts:
        raise UnreadableError("TrainingJobArn", "absent, or not the ARN of a training job")
    if not isinstance(creation_time, float):
        raise UnreadableError("CreationTime", "absent")
    modified = _microseconds(last_modified_time) if isinstance(last_modified_time, float) else NEVER
    return Row(
        training_job_arn=arn,
        version=(modified, _microseconds(observed_at)),
        partition=(parts["account_id"], parts["region"], _month(_microseconds(creation_time) // 86_400_000_000)),
        source=source,
        unmodelled_fields=msgspec.json.encode(unmodelled, order="sorted").decode() if unmodelled else None,
        line=line,
        map_entries=_map_entries(document, _maps()),
    )


@cache
def _maps() -> _Maps:
    return _maps_below(training_job())


def _maps_below(node: Node) -> _Maps:
    if isinstance(node, MapOf):
        return None
    if isinstance(node, ListOf):
        return _maps_below(node.element)
    members = node.members.items() if isinstance(node, Structure) else ()
    return {name: below for name, member in members if (below := _maps_below(member)) != {}}


def _map_entries(value: Any, maps: _Maps) -> int:
    if value is None or value is msgspec.UNSET:
        return 0
    if maps is None:
        return len(value)
    if isinstance(value, list):
        return sum([_map_entries(item, maps) for item in value])
    member = value.get if isinstance(value, dict) else partial(getattr, value)
    return sum([_map_entries(member(name), below) for name, below in maps.items()])


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


@cache
def _month(day: int) -> str:
    """The month (``YYYY-MM``) that a day, counted from 1970-01-01, is in."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()[:7]


def read_rows(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> pa.Table:
    """The rows in their order: KEY_COLUMNS, OBSERVATION_COLUMNS, and the nested ``document`` (times: epoch seconds)."""
    documents = _nested(connection, [row.line for row in rows])
    # JSON may have a key twice in a map, and for the gate the last one stands. DuckDB 1 keeps both, DuckDB 2 neither.
    if sum(map_entries(chunk) for chunk in documents.chunks) != sum(row.map_entries for row in rows):
        documents = _nested(connection, [msgspec.json.encode(msgspec.json.decode(row.line)) for row in rows])
    accounts, regions, months = zip(*(row.partition for row in rows), strict=True)
    return pa.table(
        {
            "account_id": accounts,
            "region": regions,
            "month": months,
            "training_job_arn": [row.training_job_arn for row in rows],
            "observed_at": pa.array([row.version[1] for row in rows], pa.timestamp("us")),
            "source": [row.source for row in rows],
            "unmodelled_fields": pa.array([row.unmodelled_fields for row in rows], pa.string()),
            "document": documents,
        }
    )


def _nested(connection: duckdb.DuckDBPyConnection, lines: list[bytes]) -> Any:
    chunks = (lines[start : start + LINES_A_CHUNK] for start in range(0, len(lines), LINES_A_CHUNK))
    texts = pa.chunked_array(pa.array(chunk, pa.binary()).view(pa.string()) for chunk in chunks)
    connection.register("lines", pa.table({"line": texts}))
    structure = literal(f'{{"document": {document_structure()}}}')
    return connection.sql(f"select from_json(line, {structure}).document from lines").to_arrow_table().column(0)
