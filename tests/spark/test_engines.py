"""Spark gives the answers that DuckDB gives: every model of one fleet, in local mode and on a cluster of executors."""

import gzip
import json
import math
import os
import shutil
from collections import Counter

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.home import Home
from pipelines.models.build import Build
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from tests import measurements
from tests.main_job import trainyard
from tests.reference_data import reference_for, write_reference

pytest.importorskip("pyspark", reason="PySpark is not installed here: `make spark` has it")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs Java 17 (Debian: openjdk-17-jre-headless)", allow_module_level=True)

CATALOGUE = load_catalogue(shipped("sql"))
# They are of a build, not of what it was made from.
OF_THE_BUILD = {"build_id", "built_at"}
CLOCKS_PUT_BACK = 1_709_229_600  # 2024-02-29 18:00 UTC, by an hour, in Almaty
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}
# What the two engines' regular expressions, and functions of text, could see differently.
REASONS = [
    'AlgorithmError: ExecuteUserScriptError: ErrorMessage "Ünïcode é123 caféb1234567" Command "python x --lr=0.1"',
    "Überlauf 12é34 \u00a0ml.p4d\u00a0",
    "\u00a0 path /opt/ml/ä/b é/opt x/y 'quoted é' é'x' `b\n`",
    "InternalServerError: exit code: -9 at 2024-01-02T03:04:05.123Z 10.0.0.1:80 12.5 GiB 0x1F deadbeef1 \x0b x",
    "CUDA out of memory. Tried to allocate 20.00 KiB, 2 \u212aB",
    "ΟΔΥΣΣΕΥΣ, İstanbul, STRAẞE",
    "a" * 1030 + " 12",
    r"$1 \1 ${x} $$ \\",
    "s3://b/k\r\n\u2028 arn:aws:x:y é",
    "Exit Code\u00a0: 5 tab\tend\n",
    '“é\n«b»” ‘it’s’é ‘é’s \\"a\\" "é \\\\ \\"b\\" c" é12:30 1.12:30 é:3:04:05\u00a0PM',
]


def failed(number, reason):
    return {
        "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:012345678901:training-job/failed-{number}",
        "TrainingJobName": f"failed-{number}",
        "TrainingJobStatus": "Failed",
        "CreationTime": CLOCKS_PUT_BACK - 3600 + number * 900.123456,
        "TrainingStartTime": CLOCKS_PUT_BACK - 3300 + number * 900,
        "TrainingEndTime": CLOCKS_PUT_BACK + 1800 + number * 900,
        "LastModifiedTime": CLOCKS_PUT_BACK + 1860 + number * 900,
        "ResourceConfig": {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 3},
        "FailureReason": reason,
        # Sorted by code points, not by the halves of UTF-16.
        "AlgorithmSpecification": {"TrainingImage": "image"},
        "HyperParameters": {"Ö": "1", "o": "2", "🙂": "3", "\ue000": "4", "Z": '"q"'},
        "Tags": [{"Key": "TEAM", "Value": "blé"}, {"Key": "team", "Value": "x"}],
    }


@pytest.fixture(scope="module")
def home(made_documents, made_measurements, tmp_path_factory):
    """The data directory of the made fleet and of odd jobs, built by DuckDB."""
    from tests.test_odd_fleets import ONCE_FOUND

    folder = tmp_path_factory.mktemp("engines")
    documents = [*made_documents, *ONCE_FOUND, *(failed(*numbered) for numbered in enumerate(REASONS))]
    file = folder / "fleet.ndjson.gz"
    with gzip.open(file, "wt") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents)
    home = Home(folder / "home")
    write_reference(reference_for(documents), home.root / "reference")
    trainyard("import", str(file), home=home.root)
    measurements.keep(home, made_measurements)
    trainyard("run", "--no-harvest", home=home.root)
    # A file of an older schema: the column is null in its rows.
    with duckdb.connect() as connection:
        older = str(min((home.lake / "training_jobs").rglob("*.parquet")))
        connection.execute("create table rows as select * exclude (role_arn) from read_parquet($1)", [older])
        connection.execute(f"copy rows to '{older}' (format parquet)")
    shutil.rmtree(home.builds)  # of the file as it was
    return home


@pytest.mark.parametrize(
    ("master", "time_zone", "executors"),
    [("local[2]", "Asia/Almaty", {"driver"}), ("local-cluster[2,1,1024]", "UTC", {"0", "1"})],
    ids=["local", "cluster"],
)
def test_every_model_is_the_same(home, master, time_zone, executors, tmp_path):
    trainyard("build", home=home.root, TRAINYARD_TIME_ZONE=time_zone)
    by_duckdb = newest(home)
    settings = SETTINGS | {"spark.eventLog.dir": str(tmp_path)}
    trainyard(
        *("build", "--engine", "spark"),
        home=home.root,
        timeout=1800,
        TRAINYARD_TIME_ZONE=time_zone,
        PYSPARK_SUBMIT_ARGS=" ".join(
            [f"--master {master}", *(f"--conf {name}={value}" for name, value in settings.items()), "pyspark-shell"]
        ),
    )
    by_spark = newest(home)
    assert by_spark.build_id > by_duckdb.build_id
    found = {bound.name: differences(bound, by_duckdb, by_spark) for bound in CATALOGUE.models}
    assert not {name: differing for name, differing in found.items() if differing}
    assert executors_that_worked(tmp_path) == executors
    paths = [path for bound in CATALOGUE.models for path in by_spark.files(bound.name).values()]
    assert {pq.read_metadata(path).created_by.split()[0] for path in paths} == {"parquet-mr"}  # it is Spark that wrote


def newest(home):
    return Build(max(home.builds.glob("*/settled.json")).parent)


def differences(bound, *builds):
    """What differs in a model's rows, at most a few: (exact columns, column, of the one, of the other)."""
    columns = [column for column in bound.table.columns if column.name not in OF_THE_BUILD]
    exact = [column.name for column in columns if column.type != "DOUBLE"]
    floats = [column.name for column in columns if column.type == "DOUBLE"]
    one, other = (read(build.select(bound.name), exact, floats) for build in builds)
    if Counter(row[: len(exact)] for row in one) != Counter(row[: len(exact)] for row in other):
        return [(set(one) ^ set(other), None, len(one), len(other))]
    return [
        (left[: len(exact)], name, left[at], right[at])
        for left, right in zip(one, other, strict=True)
        for at, name in enumerate(floats, len(exact))
        if not same(left[at], right[at])
    ][:5]


def read(select, exact, floats):
    """The rows in order of their exact columns, which tell them apart, then their DOUBLEs."""
    names = ", ".join(f'"{name}"' for name in [*exact, *floats])
    order = ", ".join(f'"{name}"' for name in exact) or "1"
    with duckdb.connect() as connection:
        return connection.execute(f"select {names} from ({select}) order by {order}").fetchall()


def same(one, other):
    return one == other or (None not in (one, other) and math.isclose(one, other, rel_tol=1e-9))


def executors_that_worked(folder):
    """The executors that ran tasks, as Spark's own log of events tells."""
    (log,) = folder.iterdir()
    with log.open() as lines:
        events = map(json.loads, lines)
        return {event["Task Info"]["Executor ID"] for event in events if event["Event"] == "SparkListenerTaskEnd"}
