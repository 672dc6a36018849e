"""What of a job the lake holds already as its new version tells it: such rows need not be written anew.

Most versions tell of a job's statuses and metrics, and repeat all that it was configured with. Here: the comparison,
table by table. Not here: the files that follow from it (``commit``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from pipelines.flatten.documents import Row, pieces, read_rows
from pipelines.flatten.layout import LakeTable, lake_tables, main_table
from pipelines.flatten.unnest import ARROW_TYPES, unnested
from pipelines.lake.manifest import Manifest, select_table
from pipelines.tables import quoted

Key = tuple[str, str, str]
# Version and partition of jobs, by ARN.
Held = Mapping[str, tuple[tuple[bool, int, int], Key]]


class Compared(NamedTuple):
    """ARNs of jobs, of one table: those with ``outdated`` rows in the lake, and those whose rows are all the ``same``.

    A job that had no rows and now has some is neither.
    """

    outdated: set[str]
    same: set[str]


def compare(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    manifest: Manifest,
    rows: Sequence[Row],
    held: Held,
    threads: Executor,
) -> dict[str, Compared]:
    """Compare versions of jobs with those that the lake has, which ``held`` tells of; by table."""
    known = {row.training_job_arn: row for row in rows if row.training_job_arn in held}
    staying = {arn: row for arn, row in known.items() if row.partition == held[arn][1]}
    moved = known.keys() - staying.keys()
    found = {table.name: Compared(set(moved), set()) for table in lake_tables()}
    # They tell other times: their rows of the main table need not be looked at.
    newer = {arn for arn, row in staying.items() if row.version != held[arn][0]}
    found[main_table().name].outdated.update(newer)
    for piece in pieces(staying.values()):
        arns = {row.training_job_arn for row in piece}
        partitions = {row.partition for row in piece}
        files = Manifest(partitions=tuple(part for part in manifest.partitions if part.key in partitions))
        told = {table.name: below for table, below in unnested(read_rows(connection, piece))}
        sides = [
            _Sides(
                table,
                arns - newer if table is main_table() else arns,
                files.paths(lake, table.name),
                told.get(table.name),
            )
            for table in lake_tables()
        ]
        for side, differing in zip(sides, threads.map(partial(_differing, connection), sides), strict=True):
            outdated, same = found[side.table.name]
            outdated.update(arn for arn, is_held in differing if is_held)
            same.update(side.arns - {arn for arn, _ in differing})
    return found


class _Sides(NamedTuple):
    """Jobs, a table's files that may hold rows of theirs, and the rows that are told, of them and of others."""

    table: LakeTable
    arns: set[str]
    held: list[Path]
    told: pa.Table | None


def _differing(connection: duckdb.DuckDBPyConnection, sides: _Sides) -> list[tuple[str, bool]]:
    """The jobs whose rows in files are not those that are told, and whether files have some of theirs."""
    table, arns, held, told = sides
    if not arns or (not held and told is None):
        return []
    with connection.cursor() as cursor:
        cursor.register("arns", pa.table({"training_job_arn": list(arns)}))
        cursor.register("told", _none(table) if told is None else told)
        return cursor.execute(
            f"""with sides as (
                select {_exact(table)}, 1 as held, 0 as told from ({select_table(table.table, held)})
                union all
                select {_exact(table)}, 0 as held, 1 as told from told
            ),
            rows as (
                select * exclude (held, told), sum(held) as held, sum(told) as told
                from sides semi join arns using (training_job_arn)
                group by all
            )
            select training_job_arn, sum(held) > 0 from rows group by all having bool_or(held <> told)"""
        ).fetchall()


def _exact(table: LakeTable) -> str:
    """The columns; what is equal to SQL, as 0 and -0 are, is not the same."""
    return ", ".join(
        f"{quoted(column.name)}::varchar as {quoted(column.name)}" if column.type == "DOUBLE" else quoted(column.name)
        for column in table.columns
    )


def _none(table: LakeTable) -> pa.Table:
    return pa.table({column.name: pa.nulls(0, ARROW_TYPES[column.type]) for column in table.columns})
