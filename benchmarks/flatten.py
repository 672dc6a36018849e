"""From the lines of raw documents to Parquet tables: Trainyard beside other ways, the limit and the floor.

    trainyard       as the product does it: archive, gate, quarantine, drift, tables, counts check, one manifest
    redacting       the same with redaction before the archive, which no other contestant has
    one_core        as trainyard, on one core
    dlt             its ordinary pipeline to Parquet files
    pandas          json_normalize and explode, to the same tables
    polars          read_ndjson, unnest and explode, to the same tables
    limit           DuckDB: the same bytes into one nested Parquet file, and nothing else
    floor           simdjson parses every document, and Arrow's writer encodes the finished tables: one file a table
    floor_in_files  the same, but the tables in as many files as the lake has for its partitions

What other packages need is in the dependency group ``benchmarks``. Every contestant warms up on a few documents first.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq

from benchmarks.documents import CACHE, documents_file
from benchmarks.measure import Target, measure, median, publish, report
from pipelines.flatten.layout import COLUMN_TYPES, lake_tables
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure, training_job
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.intake import BATCH_DOCUMENTS
from pipelines.harvest.redact import Redactor
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.simulator.made_fleet import END_SECONDS
from pipelines.tables import literal, quoted

DOCUMENTS = 100_000
MANY_DOCUMENTS = 1_000_000
WARM_UP_DOCUMENTS = 200


def trainyard(documents: Path, folder: Path) -> None:
    _archive_and_load(_lines(documents), folder)


def redacting(documents: Path, folder: Path) -> None:
    redactor = Redactor()
    _archive_and_load((redactor.redact(line) for line in _lines(documents)), folder)


def _archive_and_load(lines: Iterator[bytes], folder: Path) -> None:
    archive = RawArchive(folder / "raw")
    while batch := [Observation(END_SECONDS, line) for line in itertools.islice(lines, BATCH_DOCUMENTS)]:
        archive.append("a-source", batch)
    loaded = load(Home(folder))
    assert (loaded.documents, loaded.quarantined) == (loaded.changed, 0), loaded


def with_dlt(documents: Path, folder: Path) -> None:
    import dlt

    pipeline = dlt.pipeline(
        "benchmark",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=(folder / "lake").as_uri()),
        dataset_name="lake",
    )
    pipeline.run(_decoded(documents), table_name="training_jobs", loader_file_format="parquet")


def with_pandas(documents: Path, folder: Path) -> None:
    import pandas as pd

    gc.disable()

    def write(name: str, frame: Any, keys: list[str]) -> None:
        lists = [column for column in frame.columns if frame[column].map(type).eq(list).any()]
        for column in lists:
            below = frame[[*keys, column]].explode(column).dropna(subset=[column])
            position = below.groupby(level=0).cumcount()
            own = [f"{column}_index" if key == "index" else key for key in keys]
            items = below[column].tolist()
            rows = pd.json_normalize(items, sep="_") if isinstance(items[0], dict) else pd.DataFrame({"value": items})
            above = below[keys].set_axis(own, axis=1).reset_index(drop=True)
            rows = pd.concat([above, position.rename("index").reset_index(drop=True), rows], axis=1)
            write(f"{name}_{column}", rows, [*own, "index"])
        _as_text_if_mixed(frame.drop(columns=lists)).to_parquet(folder / f"{name}.parquet", compression="zstd")

    write("training_jobs", pd.json_normalize(list(_with_maps_as_lists(documents)), sep="_"), ["TrainingJobArn"])


def _as_text_if_mixed(frame: Any) -> Any:
    """Parquet has one type for a column; the documents have some values that are a number here and a text there."""
    mixed = [column for column in frame.columns if frame[column].dtype == object]
    return frame.astype(dict.fromkeys(mixed, str))


def with_polars(documents: Path, folder: Path) -> None:
    import polars as pl

    maps = set(_map_names(training_job()))

    def write(name: str, frame: Any, keys: list[str]) -> None:
        while structs := [column for column, kind in frame.schema.items() if isinstance(kind, pl.Struct)]:
            for column in structs:
                if column.rpartition(".")[2] in maps:
                    entries = frame.select(*keys, column).unnest(column, separator=":")
                    entries = entries.unpivot(index=keys, variable_name="key").drop_nulls("value")
                    entries.with_columns(pl.col("key").str.slice(len(column) + 1)).write_parquet(
                        folder / f"{name}_{column}.parquet", compression="zstd"
                    )
                    frame = frame.drop(column)
                else:
                    frame = frame.unnest(column, separator=".")
        lists = [column for column, kind in frame.schema.items() if isinstance(kind, pl.List)]
        for column in lists:
            own = {key: f"{column}_index" if key == "index" else key for key in keys}
            rows = frame.select(pl.col(key).alias(new) for key, new in own.items()).with_columns(
                frame[column], pl.int_ranges(frame[column].list.len()).alias("index")
            )
            rows = rows.filter(pl.col(column).list.len() > 0).explode(column, "index")
            write(f"{name}_{column}", rows, [*own.values(), "index"])
        frame.drop(lists).write_parquet(folder / f"{name}.parquet", compression="zstd")

    write("training_jobs", pl.read_ndjson(documents, infer_schema_length=None), ["TrainingJobArn"])


def limit(documents: Path, folder: Path) -> None:
    members = ", ".join(f"{quoted(name)}: {literal(_type(node))}" for name, node in training_job().members.items())
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                select *
                from read_json({literal(str(documents))}, format = 'newline_delimited', columns = {{{members}}})
            ) to {literal(str(folder / "nested.parquet"))} (format parquet, compression zstd)"""
        )


CONTESTANTS = {
    "trainyard": trainyard,
    "redacting": redacting,
    "one_core": trainyard,
    "dlt": with_dlt,
    "pandas": with_pandas,
    "polars": with_polars,
    "limit": limit,
}
FLOORS = ("floor", "floor_in_files")


def _report_floor(documents: Path, folder: Path, in_files: bool) -> None:
    """The finished tables are made and read before the measuring begins."""
    import simdjson

    trainyard(documents, folder)
    home = Home(folder)
    manifest = read_manifest(home.lake)
    tables = []
    with duckdb.connect() as connection:
        for table in lake_tables():
            paths = manifest.paths(home.lake, table.name)
            for files in [[path] for path in paths] if in_files else [paths]:
                tables.append(connection.sql(select_table(table.table, files)).to_arrow_table())
    finished = folder / "finished"
    finished.mkdir()

    def work() -> None:
        parser = simdjson.Parser()
        for line in _lines(documents):
            parser.parse(line)  # all of it: only making Python's objects is put off
        for number, rows in enumerate(tables):
            pq.write_table(rows, finished / f"{number}.parquet", compression="zstd", store_schema=False)

    report(work)


def _lines(documents: Path) -> Iterator[bytes]:
    with documents.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def _decoded(documents: Path) -> Iterator[dict[str, Any]]:
    return map(msgspec.json.Decoder().decode, _lines(documents))


def _with_maps_as_lists(documents: Path) -> Iterator[dict[str, Any]]:
    """So that pandas makes rows of them and not a column for each key."""
    maps = set(_map_names(training_job()))

    def rewrite(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                rewrite(item)
        elif isinstance(value, dict):
            for name, below in value.items():
                if name in maps and below is not None:
                    value[name] = [{"key": key, "value": text} for key, text in below.items()]
                else:
                    rewrite(below)

    for document in _decoded(documents):
        rewrite(document)
        yield document


def _map_names(node: Node) -> Iterator[str]:
    if isinstance(node, ListOf):
        yield from _map_names(node.element)
    elif isinstance(node, Structure):
        for name, below in node.members.items():
            yield from [name] if isinstance(below, MapOf) else _map_names(below)


def _type(node: Node) -> str:
    if isinstance(node, Scalar):
        return "DOUBLE" if node.kind == "timestamp" else COLUMN_TYPES[node.kind]
    if isinstance(node, ListOf):
        return f"{_type(node.element)}[]"
    if isinstance(node, MapOf):
        return f"MAP(VARCHAR, {_type(node.value)})"
    return "STRUCT(" + ", ".join(f"{quoted(name)} {_type(below)}" for name, below in node.members.items()) + ")"


def main() -> None:
    """Measure and publish; or, as a child, be one of the contestants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--many-documents", type=int, default=MANY_DOCUMENTS, help="0: leave out")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        _be(options.contestant, documents_file(options.documents), options.folder)
    else:
        _compare(options.documents, options.many_documents, options.repetitions)


def _be(contestant: str, documents: Path, folder: Path) -> None:
    own = Path(tempfile.mkdtemp(dir=folder, prefix=contestant))
    if contestant in FLOORS:
        _report_floor(documents, own, contestant == "floor_in_files")
        return
    work = CONTESTANTS[contestant]
    few = own / "few.ndjson"
    few.write_bytes(b"".join(line + b"\n" for line in itertools.islice(_lines(documents), WARM_UP_DOCUMENTS)))
    (own / "warm-up").mkdir()
    (own / "measured").mkdir()
    work(few, own / "warm-up")
    report(lambda: work(documents, own / "measured"))


def _compare(documents: int, many_documents: int, repetitions: int) -> None:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    names = [*CONTESTANTS, *FLOORS]
    # Removed at the very end: just after many files were removed, ext4 is slow to make new ones.
    with tempfile.TemporaryDirectory(dir=documents_file(documents).parent) as folder:
        arguments = ["--folder", folder, "--documents", str(documents)]
        runs: dict[str, list[Any]] = {name: [] for name in names}
        for _ in range(repetitions):
            for name in names:
                cores = 1 if name == "one_core" else None
                runs[name] += measure(__spec__.name, [name], arguments, 1, cores)[name]
        counts = dict.fromkeys(names, documents)
        if many_documents:
            documents_file(many_documents)
            arguments = ["--folder", folder, "--documents", str(many_documents)]
            runs["trainyard_many"] = measure(__spec__.name, ["trainyard"], arguments, 1)["trainyard"]
            counts["trainyard_many"] = many_documents
        cpu = {name: median(measured).cpu_seconds / counts[name] for name, measured in runs.items()}
        wall = {name: median(measured).wall_seconds for name, measured in runs.items()}
        peak = {name: median(measured).peak_mib for name, measured in runs.items()}
        targets = [
            Target("CPU of dlt : trainyard", cpu["dlt"] / cpu["trainyard"], 9, at_least=True),
            Target("CPU of pandas : trainyard", cpu["pandas"] / cpu["trainyard"], 4, at_least=True),
            Target("CPU of polars : trainyard", cpu["polars"] / cpu["trainyard"], 6, at_least=True),
            Target("CPU of trainyard : floor", cpu["trainyard"] / cpu["floor"], 4),
            Target("CPU of trainyard : floor in files", cpu["trainyard"] / cpu["floor_in_files"], 4),
            Target("wall of one core : two", wall["one_core"] / wall["trainyard"], 1.7, at_least=True),
            Target("peak MiB", max(peak["trainyard"], peak.get("trainyard_many", 0)), 700),
        ]
        if many_documents:
            targets.append(Target("peak of many documents : few", peak["trainyard_many"] / peak["trainyard"], 1.1))
        publish("flatten", counts, runs, "trainyard", targets)


if __name__ == "__main__":
    CACHE.mkdir(exist_ok=True)
    main()
