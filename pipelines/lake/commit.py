"""Upserting documents into the lake: the newest version of each job wins, and only touched months are written to.

Here: which rows win, the files that a commit adds to the partitions they belong in, and the manifest that would put
these in force. Not here: putting it in force (``load`` does, when all is written), and reading raw.

New rows are written beside the held ones. Held rows of a table of a partition are written anew only when some of them
are outdated, or when they are in too many files.
"""

from __future__ import annotations

import itertools
import os
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import files
from pipelines.flatten.documents import EVENT_SOURCE, NEVER, Row, pieces, read_rows
from pipelines.flatten.layout import LakeTable, lake_tables, main_table
from pipelines.flatten.unnest import unnested
from pipelines.lake.compare import Compared, Held, compare
from pipelines.lake.manifest import Key, Manifest, Partition, TableFiles, select_table
from pipelines.tables import Table, literal, quoted

WRITERS = min(4, os.cpu_count() or 1)
# A table of a partition is in too many files when these are more, and one more for so many jobs.
SPARE_FILES, JOBS_A_FILE = 8, 20_000

_SAME_IN_A_FILE = {"account_id", "region", "month"}


def upserted(
    connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, newest: Mapping[str, Row]
) -> tuple[Manifest, int]:
    """Write the files of a lake that has the documents of ``newest`` (by ARN).

    Returns its manifest and how many jobs changed. Nothing that ``manifest`` lists is altered; files are durable.
    """
    held = _held(connection, lake, manifest, newest)
    winners = [row for arn, row in newest.items() if arn not in held or row.version >= held[arn][0]]
    if not winners:
        return manifest, 0
    commit = f"{manifest.generation + 1:08d}-{uuid.uuid4().hex[:8]}"
    with ThreadPoolExecutor(WRITERS) as threads:
        jobs = compare(connection, lake, manifest, winners, held, threads)
        added = list(_added(connection, lake, winners, jobs, commit, threads))
        stale, kept = _divided(manifest, jobs, held, added)
        rewritten = list(_rewritten(connection, lake, stale, jobs, commit, threads))
    files.fsync_all(Manifest(partitions=joined([*rewritten, *added])).all_paths(lake), lake)
    new = Manifest(manifest.generation + 1, manifest.flattened, joined([*kept.partitions, *rewritten, *added]))
    # What is only added to a partition adds up by itself.
    altered = {held[row.training_job_arn][1] for row in winners if row.training_job_arn in held}
    altered |= {part.key for part in stale.partitions}
    beside = (part for part in added if part.key not in altered)
    whole = new.where(lambda part: part.key in altered)
    _check_counts(connection, lake, Manifest(partitions=(*whole.partitions, *beside)))
    return new, len(winners)


def _held(connection: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, newest: Mapping[str, Row]) -> Held:
    """Of the jobs in ``newest`` that the lake has: the version and the partition it is in.

    Looked for in every month: a name, and so an ARN, may be used anew after its job was deleted.
    """
    regions = {partition[:2] for partition in {row.partition for row in newest.values()}}
    parts = manifest.where(lambda part: part.key[:2] in regions)
    paths = [str(path) for path in parts.paths(lake, main_table().name)]
    if not paths:
        return {}
    connection.register("arns", pa.table({"training_job_arn": list(newest)}))
    # Files of every schema have these columns, so none need be opened before its turn, as ``select_table`` does.
    rows = connection.execute(
        f"""select
            training_job_arn,
            source <> {literal(EVENT_SOURCE)}, coalesce(epoch_us(last_modified_time), {NEVER}), epoch_us(observed_at),
            account_id, region, month
        from read_parquet($1, hive_partitioning = false)
        semi join arns using (training_job_arn)""",
        [paths],
    ).fetchall()
    return {
        arn: ((is_record, modified, observed), (account, region, month))
        for arn, is_record, modified, observed, account, region, month in rows
    }


def _divided(
    manifest: Manifest, jobs: Mapping[str, Compared], held: Held, added: list[Partition]
) -> tuple[Manifest, Manifest]:
    """The tables of partitions that are to be written anew, and those that stay.

    Anew are those with outdated rows, and those that gain some and are in too many files. What the service model does
    not know any more goes with the first rows that do: nothing counts its rows then.
    """
    losing = {(table, held[arn][1]) for table, compared in jobs.items() for arn in compared.outdated}
    gaining = {(table, part.key) for part in added for table in part.tables}
    altered = {key for _, key in losing}

    def is_stale(part: Partition, table: str) -> bool:
        if table not in jobs:
            return part.key in altered
        return (table, part.key) in losing or ((table, part.key) in gaining and _is_scattered(part, table))

    return manifest.of_tables(is_stale), manifest.of_tables(lambda part, table: not is_stale(part, table))


def _is_scattered(part: Partition, table: str) -> bool:
    jobs = part.tables[main_table().name].rows
    return len(part.tables[table].files) > SPARE_FILES + jobs // JOBS_A_FILE


def _added(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    winners: Iterable[Row],
    jobs: Mapping[str, Compared],
    commit: str,
    threads: Executor,
) -> Iterator[Partition]:
    """Write the rows of the winners, but those of each table that are held already."""
    for table in lake_tables():
        (lake / table.name).mkdir(parents=True, exist_ok=True)

    same = {name: pa.array(of_table.same, pa.string()) for name, of_table in jobs.items()}

    def write(number: int, piece: list[Row]) -> list[Partition]:
        with connection.cursor() as cursor:
            return list(_write_piece(cursor, lake, piece, same, f"{commit}-{number}.parquet"))

    return itertools.chain.from_iterable(threads.map(write, itertools.count(), pieces(winners)))


def _partition(row: Row) -> Key:
    return row.partition


def _write_piece(
    connection: duckdb.DuckDBPyConnection, lake: Path, piece: list[Row], same: Mapping[str, pa.StringArray], name: str
) -> Iterator[Partition]:
    documents = read_rows(connection, piece)
    start = 0
    for key, group in itertools.groupby(piece, key=_partition):
        part, length = Partition(*key, tables={}), len(list(group))
        for table, told in unnested(documents.slice(start, length)):
            if (rows := _without(told, same[table.name])).num_rows:
                _write_table(table, rows, part.folder(lake, table.name) / name)
                part.tables[table.name] = TableFiles(rows.num_rows, (name,))
        yield part
        start += length


def _without(rows: pa.Table, arns: pa.StringArray) -> pa.Table:
    """Those of other jobs, and of their dictionaries what these have: a file holds the whole of one."""
    if not len(arns):
        return rows
    unwanted = pc.is_in(rows["training_job_arn"], arns)
    if not pc.any(unwanted).as_py():
        return rows
    fields = (field.with_type(getattr(field.type, "value_type", field.type)) for field in rows.schema)
    return rows.filter(pc.invert(unwanted)).cast(pa.schema(fields))


def _write_table(table: LakeTable, rows: pa.Table, path: Path) -> None:
    """Write a file in one step: Arrow would write each page of each column on its own."""
    encoded = pa.BufferOutputStream()
    pq.write_table(rows, encoded, **_encodings()[table.name])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.getvalue())


@cache
def _encodings() -> dict[str, dict[str, Any]]:
    """How the columns of each table are encoded, which is most of what a file costs: nothing is tried in vain.

    Instants hardly repeat, so they have no dictionary; their differences take few bytes, as do flags, whole numbers
    and what is the same in every row: to set up a compressor for each of these takes longer than to encode them.
    """
    encodings = {}
    for table in lake_tables():
        names = defaultdict(list)
        for column in table.columns:
            names[column.type].append(column.name)
        encodings[table.name] = {
            "use_dictionary": names["VARCHAR"] + names["BIGINT"],
            "column_encoding": dict.fromkeys(names["TIMESTAMP"], "DELTA_BINARY_PACKED"),
            "compression": dict.fromkeys(set(names["VARCHAR"] + names["DOUBLE"]) - _SAME_IN_A_FILE, "zstd"),
            "write_statistics": False,
            "store_schema": False,
        }
    return encodings


def _rewritten(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    stale: Manifest,
    jobs: Mapping[str, Compared],
    commit: str,
    threads: Executor,
) -> Iterator[Partition]:
    """Write the held rows of tables of partitions anew, without those that are outdated."""
    outdated = {
        name: pa.table({"training_job_arn": pa.array(compared.outdated, pa.string())})
        for name, compared in jobs.items()
    }

    def write(part: Partition, table: LakeTable) -> Partition:
        paths = Manifest(partitions=(part,)).paths(lake, table.name)
        name = f"{commit}-held.parquet"
        path = part.folder(lake, table.name) / name
        with connection.cursor() as cursor:
            cursor.register("outdated", outdated[table.name])
            held = f"select * from ({select_table(table.table, paths)}) anti join outdated using (training_job_arn)"
            ((rows,),) = cursor.execute(
                f"copy ({held}) to {literal(str(path))} (format parquet, compression zstd)"
            ).fetchall()
        if not rows:
            path.unlink()
        return Partition(*part.key, tables={table.name: TableFiles(rows, (name,))} if rows else {})

    due = ((part, table) for part in stale.partitions for table in lake_tables() if table.name in part.tables)
    return threads.map(write, *zip(*due, strict=True)) if stale.partitions else iter(())


def write_rows(
    connection: duckdb.DuckDBPyConnection, lake: Path, table: LakeTable | Table, select: str, name: str
) -> Iterator[Partition]:
    """Write the rows of a SELECT to files of a table, whose names begin so, in the partitions that they belong in."""
    written = connection.execute(
        f"""copy ({select}) to {literal(str(lake / table.name))} (
            format parquet, compression zstd, partition_by (account_id, region, month),
            write_partition_columns true, overwrite_or_ignore true,
            filename_pattern {literal(name + "-{i}")}, return_stats true
        )"""
    ).fetchall()
    for filename, rows, _, _, _, keys, *_ in written:
        key = keys["account_id"], keys["region"], keys["month"]
        yield Partition(*key, tables={table.name: TableFiles(rows, (Path(filename).name,))})


def joined(parts: Iterable[Partition]) -> tuple[Partition, ...]:
    """One of each partition, with all its files, in order."""
    joined: dict[Key, dict[str, TableFiles]] = defaultdict(dict)
    for part in parts:
        for name, more in part.tables.items():
            own = joined[part.key].get(name, TableFiles(0, ()))
            joined[part.key][name] = TableFiles(own.rows + more.rows, (*own.files, *more.files))
    return tuple(Partition(*key, tables=joined[key]) for key in sorted(joined))


def _check_counts(connection: duckdb.DuckDBPyConnection, lake: Path, made: Manifest) -> None:
    """Read back that each list or map has as many rows as its jobs say; what disagrees is never put in force."""
    counted: dict[str, dict[str, str]] = defaultdict(dict)
    for table in lake_tables():
        if table.counted_in:
            parent, column = table.counted_in
            counted[parent][table.name] = column
    for table in lake_tables():
        if not (columns := counted[table.name]):
            continue
        sums = ", ".join(f"coalesce(sum({quoted(column)}), 0)::bigint" for column in columns.values())
        # Files of an older schema, which lack a column, may be among those that stay.
        rows_of_all = select_table(table.table, made.paths(lake, table.name))
        (declared,) = connection.execute(f"select {sums} from ({rows_of_all})").fetchall()
        for name, rows in zip(columns, declared, strict=True):
            if rows != made.rows(name):
                raise RuntimeError(f"lake.{name}: {made.rows(name)} rows written, {rows} declared")
