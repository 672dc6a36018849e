"""Upserting documents into the lake: the newest version of each job wins, and only touched months are rewritten.

Here: which rows win, the new files of the partitions they touch, and the manifest that would put them in force. Not
here: putting it in force (``load`` does, when all is written), and reading raw.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from pathlib import Path

import duckdb

from pipelines import files
from pipelines.flatten.documents import EVENT_SOURCE, rows_query
from pipelines.flatten.layout import LakeTable, lake_tables, main_table
from pipelines.lake.manifest import Manifest, Partition, TableFiles, select_table
from pipelines.tables import literal, quoted

# Records before events, which tell less; newest LastModifiedTime first, of equals the later observation, of those the
# later received.
_IS_EVENT = f"source = {literal(EVENT_SOURCE)}"
_NEWEST_FIRST = f"{_IS_EVENT}, last_modified_time desc nulls last, observed_at desc, position desc"


def upserted(connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, rows: Path) -> tuple[Manifest, int]:
    """Write the files of a lake that has the documents of ``rows``; return its manifest and the jobs that changed.

    ``rows`` is a file of ``write_rows``. Nothing that ``manifest`` lists is altered; files are durable on return.
    """
    connection.execute(f"create or replace temp table received as {rows_query(rows)}")
    _find_winners(connection, lake, manifest)
    ((changed,),) = connection.execute("select count(*) from winners").fetchall()
    if not changed:
        return manifest, 0
    touched = set(
        connection.execute(
            "select account_id, region, month from winners"
            " union select account_id, region, held_month from winners where held_month is not null"
        ).fetchall()
    )
    kept = [part for part in manifest.partitions if part.key not in touched]
    superseded = Manifest(partitions=tuple(part for part in manifest.partitions if part.key in touched))
    commit = f"{manifest.generation + 1:08d}-{uuid.uuid4().hex[:8]}"
    written: dict[tuple[str, str, str], dict[str, TableFiles]] = defaultdict(dict)
    for table in lake_tables():
        for key, table_files in _write(connection, lake, superseded, table, commit).items():
            written[key][table.name] = table_files
    rewritten = [Partition(*key, tables) for key, tables in written.items()]
    _check_counts(connection, lake, rewritten)
    partitions = tuple(sorted((*kept, *rewritten), key=lambda part: part.key))
    return Manifest(manifest.generation + 1, manifest.flattened, partitions), changed


def _find_winners(connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest) -> None:
    """Make ``winners`` (received versions newer than the held ones) and the view ``documents`` of them.

    Held versions are looked for in every month: a name, and so an ARN, may be used anew after its job was deleted.
    """
    regions = set(connection.execute("select distinct account_id, region from received").fetchall())
    held = Manifest(partitions=tuple(part for part in manifest.partitions if part.key[:2] in regions))
    main = main_table()
    connection.execute(
        f"""create or replace temp table winners as
        with newest as (
            select
                account_id, region, month, training_job_arn, last_modified_time, observed_at, position,
                {_IS_EVENT} as is_event
            from received
            qualify row_number() over (partition by training_job_arn order by {_NEWEST_FIRST}) = 1
        ),
        held as (
            select
                training_job_arn, last_modified_time, observed_at, month as held_month, {_IS_EVENT} as is_event
            from ({select_table(main.table, held.paths(lake, main.name))})
        )
        select newest.account_id, newest.region, newest.month, newest.training_job_arn, position, held_month
        from newest
        left join held on held.training_job_arn = newest.training_job_arn
        where
            held.training_job_arn is null
            or newest.is_event < held.is_event
            or (newest.is_event = held.is_event and (
                newest.last_modified_time > held.last_modified_time
                or (newest.last_modified_time is not null and held.last_modified_time is null)
                or (
                    newest.last_modified_time is not distinct from held.last_modified_time
                    and newest.observed_at >= held.observed_at
                )
            ))"""
    )
    connection.execute(
        "create or replace temp view documents as"
        " select received.* from received semi join winners on winners.position = received.position"
    )


def _write(
    connection: duckdb.DuckDBPyConnection, lake: Path, superseded: Manifest, table: LakeTable, commit: str
) -> dict[tuple[str, str, str], TableFiles]:
    """Write one table's rows of the touched partitions: what was there, less the winners' old rows, and their new."""
    folder = lake / table.name
    folder.mkdir(parents=True, exist_ok=True)
    written = connection.execute(
        f"""copy (
            select held.*
            from ({select_table(table.table, superseded.paths(lake, table.name))}) as held
            anti join winners on winners.training_job_arn = held.training_job_arn
            union all by name
            {table.query}
        ) to {literal(str(folder))} (
            format parquet, compression zstd, partition_by (account_id, region, month), write_partition_columns true,
            overwrite_or_ignore true, filename_pattern {literal(commit + "-{i}")}, return_stats true
        )"""
    ).fetchall()
    partitions: dict[tuple[str, str, str], list[tuple[str, int]]] = defaultdict(list)
    for filename, rows, _, _, _, keys in written:
        path = Path(filename)
        files.fsync(path)
        files.fsync(path.parent)
        partitions[keys["account_id"], keys["region"], keys["month"]].append((path.name, rows))
    return {
        key: TableFiles(sum(rows for _, rows in parts), tuple(sorted(name for name, _ in parts)))
        for key, parts in partitions.items()
    }


def _check_counts(connection: duckdb.DuckDBPyConnection, lake: Path, partitions: list[Partition]) -> None:
    """Read back that each list or map has as many rows as its jobs say; what disagrees is never put in force."""
    written = Manifest(partitions=tuple(partitions))
    for table in lake_tables():
        if table.counted_in:
            parent, column = table.counted_in
            paths = [str(path) for path in written.paths(lake, parent)]
            query = f"select coalesce(sum({quoted(column)}), 0)::bigint from read_parquet($1, union_by_name = true)"
            declared = connection.execute(query, [paths]).fetchall()[0][0] if paths else 0
            if declared != written.rows(table.name):
                raise RuntimeError(f"lake.{table.name}: {written.rows(table.name)} rows written, {declared} declared")
