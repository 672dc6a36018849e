"""Running a model of a build on Apache Spark.

Here: the session, the views that it reads, and the Parquet that it leaves where DuckDB's would be, so that what comes
after a model is the same. Which cluster that is, and how large, Spark itself is told as everywhere: by `spark-submit`,
`spark-defaults.conf`, or `PYSPARK_SUBMIT_ARGS`. Not here: the dialect.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines import files
from pipelines.errors import TrainyardError
from pipelines.models.build import Build
from pipelines.models.catalogue import BoundModel, partitioned_tables
from pipelines.models.functions import functions
from pipelines.tables import Table, literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# What decides what a model's text means: none of it is a user's to choose.
_MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}
# DuckDB's names of types where Spark has others.
_TYPES = {"VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ"}


def write_model(build: Build, bound: BoundModel, part: str, path: Path) -> None:
    """Write a part of a model to a file, from the relations that it reads.

    Raises TrainyardError where Spark is not installed or does not start.
    """
    session = _session()
    from pipelines.spark.dialect import in_spark, view_name  # of sqlglot, which the extra has

    called = (function for function in functions(build.settled.time_zone) if f"{function.name}(" in bound.model.sql)
    for function in called:
        parameters = ", ".join(f"{name} {_type(type_)}" for name, type_ in function.parameters.items())
        session.sql(
            f"create or replace temporary function {function.name}({parameters}) returns {_type(function.type)}"
            f" return {in_spark(function.expression)}"
        )
    for relation in bound.model.dependencies:
        _read(session, build, relation, part).createOrReplaceTempView(view_name(relation))
    # The types are those that DuckDB gave the columns when the model was bound.
    typed = (f"cast(`{column.name}` as {_type(column.type)}) as `{column.name}`" for column in bound.table.columns)
    frame = session.sql(in_spark(bound.model.sql)).selectExpr(*typed)
    _write(frame, path)


def _session() -> SparkSession:
    """A session of its own in the Spark that runs in this process, or is started now."""
    try:
        import sqlglot  # noqa: F401
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise TrainyardError("Spark is not installed here: `pip install 'trainyard[spark]'` installs it") from None
    try:
        # Progress is told by what called this.
        builder = SparkSession.builder.appName("trainyard").config("spark.ui.showConsoleProgress", "false")
        session = builder.getOrCreate().newSession()
    except PySparkRuntimeError as error:
        raise TrainyardError(f"Spark did not start ({error}): it needs Java 17 or newer") from None
    for name, value in _MEANING.items():
        session.conf.set(name, value)
    return session


def _read(session: SparkSession, build: Build, relation: str, part: str) -> DataFrame:
    """The rows of a relation, or of a part of it: the lake's from its files, others from the build's."""
    found = build.input(relation, part)
    if not found:
        paths, condition = build.files_of(relation, part)
        frame = session.read.parquet(*map(_uri, paths))
        return frame.where(condition) if condition else frame
    if found.paths is not None:
        return _read_lake(session, _lake()[relation], found.paths)
    # Reference data, marks and the like: small, and settled as SELECTs of DuckDB's.
    path = build.folder / ".spark" / f"{relation}-{part}.parquet"
    if not path.exists():
        with duckdb.connect() as connection, files.replacing(path) as beside:
            connection.execute(f"copy ({found.select}) to {literal(str(beside))} (format parquet)")
    return session.read.parquet(_uri(path))


@cache
def _lake() -> dict[str, Table]:
    return {table.qualified_name: table for table in partitioned_tables()}


def _read_lake(session: SparkSession, table: Table, paths: list[str]) -> DataFrame:
    """A lake table's declared columns: null where a file of an older schema lacks them."""
    if not paths:
        empty = ", ".join(f"cast(null as {_type(column.type)}) as `{column.name}`" for column in table.columns)
        return session.sql(f"select {empty} where false")
    schema = ", ".join(f"`{column.name}` {_type(column.type)}" for column in table.columns)
    # Folders are not looked at: the partitions' columns are in the files too, as text.
    return session.read.schema(schema).option("recursiveFileLookup", "true").parquet(*map(_uri, paths))


def _write(frame: DataFrame, path: Path) -> None:
    """Write rows to one file: those of a part are few enough, and all else knows of files alone."""
    beside = path.with_suffix(".spark")
    frame.repartition(1).write.mode("overwrite").option("compression", "zstd").parquet(_uri(beside))
    (written,) = beside.glob("*.parquet")
    written.replace(path)
    shutil.rmtree(beside)


def _uri(path: Path | str) -> str:
    """A path as every node of a cluster sees it; without a scheme, a cluster's default filesystem would be meant."""
    return f"file://{Path(path).absolute()}"


def _type(name: str) -> str:
    return _TYPES.get(name, name)
