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
from pipelines.flatten.unnest import unnested
from pipelines.lake.manifest import Key, Manifest, select_table
from pipelines.tables import quoted

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
        sides = _sides(connection, lake, manifest, piece, newer)
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


def _sides(
    connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, piece: list[Row], newer: set[str]
) -> list[_Sides]:
    """What is to be compared of each table."""
    arns = {row.training_job_arn for row in piece}
    partitions = {row.partition for row in piece}
    held = manifest.where(lambda part: part.key in partitions)
    told = {table.name: rows for table, rows in unnested(read_rows(connection, piece))}
    main, *others = lake_tables()
    of_tables = [(main, arns - newer), *((table, arns) for table in others)]
    return [_Sides(table, some, held.paths(lake, table.name), told.get(table.name)) for table, some in of_tables]


def _differing(connection: duckdb.DuckDBPyConnection, sides: _Sides) -> list[tuple[str, bool]]:
    """The jobs whose rows in files are not those that are told, and whether files have some of theirs."""
    table, arns, held, told = sides
    if not arns or (not held and told is None):
        return []
    with connection.cursor() as cursor:
        cursor.register("arns", pa.table({"training_job_arn": list(arns)}))
        if told is not None:
            cursor.register("told", told)
        rows_told = select_table(table.table, []) if told is None else "from told"
        return cursor.execute(
            f"""with sides as (
                select {_exact(table)}, 1 as in_held, 0 as in_told from ({select_table(table.table, held)})
                union all
                select {_exact(table)}, 0 as in_held, 1 as in_told from ({rows_told})
            ),
            counted as (
                select * exclude (in_held, in_told), sum(in_held) as in_held, sum(in_told) as in_told
                from sides semi join arns using (training_job_arn)
                group by all
            )
            select training_job_arn, sum(in_held) > 0 from counted group by all having bool_or(in_held <> in_told)"""
        ).fetchall()


def _exact(table: LakeTable) -> str:
    """The columns; what is equal to SQL, as 0 and -0 are, is not the same."""
    return ", ".join(
        f"{quoted(column.name)}::varchar as {quoted(column.name)}" if column.type == "DOUBLE" else quoted(column.name)
        for column in table.columns
    )
