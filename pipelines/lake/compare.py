"""What of a job the lake holds already as its new version tells it: such rows need not be written anew.

Most versions tell of a job's statuses and metrics, and repeat all that it was configured with. Here: the comparison,
table by table. Not here: the files that follow from it (``commit``).
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from pipelines.flatten.documents import Row, pieces, read_rows
from pipelines.flatten.layout import LakeTable, lake_tables
from pipelines.flatten.unnest import ARROW_TYPES, unnested
from pipelines.lake.manifest import Manifest, select_table
from pipelines.tables import quoted


class Compared(NamedTuple):
    """ARNs of jobs, of one table: those with ``outdated`` rows in the lake, and those whose rows are all the ``same``.

    A job that had no rows and now has some is neither.
    """

    outdated: set[str]
    same: set[str]


def compare(
    connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, rows: Iterable[Row], threads: Executor
) -> dict[str, Compared]:
    """Compare new versions of jobs with those that the lake holds in the same partitions; by table."""
    found = {table.name: Compared(set(), set()) for table in lake_tables()}
    for piece in pieces(rows):
        arns = {row.training_job_arn for row in piece}
        partitions = {row.partition for row in piece}
        held = Manifest(partitions=tuple(part for part in manifest.partitions if part.key in partitions))
        told = {table.name: below for table, below in unnested(read_rows(connection, piece))}
        sides = [(table, held.paths(lake, table.name), told.get(table.name)) for table in lake_tables()]
        for (table, *_), differing in zip(
            sides, threads.map(partial(_differing, connection, arns), sides), strict=True
        ):
            found[table.name].outdated.update(arn for arn, is_held in differing if is_held)
            found[table.name].same.update(arns - {arn for arn, _ in differing})
    return found


def _differing(
    connection: duckdb.DuckDBPyConnection, arns: set[str], sides: tuple[LakeTable, list[Path], pa.Table | None]
) -> list[tuple[str, bool]]:
    """Of these jobs those whose rows in files are not those that are told, and whether files have some of theirs."""
    table, held, told = sides
    if not held and told is None:
        return []
    with connection.cursor() as cursor:
        cursor.register("arns", pa.table({"training_job_arn": list(arns)}))
        cursor.register("told", _none(table) if told is None else told)
        return cursor.execute(
            f"""with sides as (
                select {_exact(table)}, 1 as held, 0 as told
                from ({select_table(table.table, held)}) semi join arns using (training_job_arn)
                union all
                select {_exact(table)}, 0 as held, 1 as told from told
            ),
            rows as (select * exclude (held, told), sum(held) as held, sum(told) as told from sides group by all)
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
