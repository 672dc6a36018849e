"""A build is run, checked and published: readers find one build whole, or the one before it."""

import subprocess
import sys
import time

import duckdb
import pytest

from pipelines.models.build import GRACE_SECONDS, prune_builds, start_build
from pipelines.models.publish import publish
from tests.models.projects import JOBS, catalogue_of

MODELS = {
    "staging__jobs": "-- One row per job.\n-- @unique: job\nselect job, seconds from lake.jobs",
    "marts__jobs": "-- One row per job.\n-- @check positive: seconds > 0\nselect job, seconds from staging.jobs",
    "marts__totals": "-- One row: all.\nselect sum(seconds)::bigint as seconds, -- Sum.\ncount(*) as jobs -- Number.\n"
    "from marts.jobs",
}


@pytest.fixture
def catalogue(tmp_path):
    return catalogue_of(tmp_path / "sql", **MODELS)


def built(folder, catalogue, rows):
    values = ", ".join(f"('{job}', {seconds})" for job, seconds in rows)
    build = start_build(folder, {"lake.jobs": f"select * from (values {values}) as t (job, seconds)"}, {})
    for bound in catalogue.models:
        build.run(bound)
    return build


def tables(catalogue):
    return [JOBS, *(bound.table for bound in catalogue.models if bound.table.schema == "marts")]


def rows(path, sql):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_checks_say_what_violates_them(tmp_path, catalogue):
    build = built(tmp_path / "builds" / "b", catalogue, [("a", 1), ("a", 0), ("b", "null")])
    found = {
        f"{bound.name} {result.name}": (result.violations, result.sample.rows)
        for bound in catalogue.models
        for result in build.check(bound)
    }
    assert found["staging.jobs unique_job"] == (1, (("a", 2),))
    violations, sample = found["marts.jobs positive"]
    assert (violations, set(sample)) == (2, {("a", 0), ("b", None)})


def test_a_model_run_again_gives_the_same(tmp_path, catalogue):
    build = built(tmp_path / "builds" / "b", catalogue, [("a", 1), ("b", 2)])
    assert [build.run(bound) for bound in catalogue.models] == [2, 2, 1]
    assert build.sample("marts.totals").rows == ((3, 2),)


def test_the_published_file_is_documented_readable_by_old_drivers_and_read_only(tmp_path, catalogue):
    target = tmp_path / "warehouse.duckdb"
    (tmp_path / "warehouse.duckdb.wal").write_bytes(b"left behind")
    publish(built(tmp_path / "builds" / "b", catalogue, [("a", 1)]), tables(catalogue), target)
    assert rows(target, "select * from marts.totals") == [(1, 1)]
    assert rows(target, "select comment from duckdb_tables() where table_name = 'totals'") == [("One row: all.",)]
    comments = "select column_name, comment from duckdb_columns() where table_name = 'totals' order by column_index"
    assert rows(target, comments) == [("seconds", "Sum."), ("jobs", "Number.")]
    assert target.stat().st_mode & 0o777 == 0o444
    assert sorted(path.name for path in tmp_path.iterdir()) == ["builds", "sql", "warehouse.duckdb"]
    # Bytes 12 to 20 of a DuckDB file are its storage version: 64 is that of 0.10 to 1.1, 65 that of 1.2.
    assert int.from_bytes(target.read_bytes()[12:20], "little") <= 65


def test_a_publish_that_fails_leaves_the_old_file(tmp_path, catalogue):
    target = tmp_path / "warehouse.duckdb"
    publish(built(tmp_path / "builds" / "b1", catalogue, [("a", 1)]), tables(catalogue), target)
    broken = built(tmp_path / "builds" / "b2", catalogue, [("a", 2)])
    (file,) = broken.files("marts.totals").values()
    file.write_bytes(b"no Parquet")
    with pytest.raises(duckdb.Error):
        publish(broken, tables(catalogue), target)
    assert rows(target, "select seconds from marts.totals") == [(1,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["builds", "sql", "warehouse.duckdb"]


READER = """
import sys, duckdb
path, reads = sys.argv[1], 0
print("ready", flush=True)
while not sys.stdin.closed:
    with duckdb.connect(path, read_only=True) as connection:
        ((total, jobs),) = connection.execute("select seconds, jobs from marts.totals").fetchall()
        ((found, count),) = connection.execute("select sum(seconds), count(*) from marts.jobs").fetchall()
        ((raw,),) = connection.execute("select sum(seconds) from lake.jobs").fetchall()
    if not (total == found == raw and jobs == count):
        sys.exit(f"torn: {total} {found} {raw} {jobs} {count}")
    reads += 1
    import select
    if select.select([sys.stdin], [], [], 0)[0]:
        break
print(reads)
"""


def test_a_reader_sees_no_error_and_nothing_torn_during_50_publishes(tmp_path, catalogue):
    target = tmp_path / "warehouse.duckdb"
    jobs = [[(f"j{i}", n + i + 1) for i in range(n * 50 + 1)] for n in range(3)]
    builds = [built(tmp_path / "builds" / f"b{n}", catalogue, rows) for n, rows in enumerate(jobs)]
    publish(builds[0], tables(catalogue), target)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout.readline() == "ready\n"
    for n in range(50):
        publish(builds[n % 3], tables(catalogue), target)
    reads, errors = reader.communicate("stop\n", timeout=60)
    assert (reader.returncode, errors) == (0, "")
    assert int(reads) > 50


def test_old_builds_are_removed_and_the_latest_kept(tmp_path, catalogue):
    for n in range(5):
        built(tmp_path / "builds" / f"b{n}", catalogue, [("a", 1)])
    assert prune_builds(tmp_path / "builds") == 0
    assert prune_builds(tmp_path / "builds", now=time.time() + GRACE_SECONDS + 60) == 2
    assert sorted(path.name for path in (tmp_path / "builds").iterdir()) == ["b2", "b3", "b4"]
