"""A build is run, checked and published: readers find one build whole, or the one before it."""

import shutil
import subprocess
import sys
import time

import duckdb
import pytest

from pipelines.models.build import GRACE_SECONDS, prune_builds, start_build
from pipelines.models.publish import placing, publish
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


# Ways to stay a reader, each in a process of its own: what is asked must be of one build, whichever.
READER = """
import select, sys, duckdb

path, way = sys.argv[1:]

def asked(connection, catalog=""):
    ((total, jobs),) = connection.execute(f"select seconds, jobs from {catalog}marts.totals").fetchall()
    ((found, count),) = connection.execute(f"select sum(seconds), count(*) from {catalog}marts.jobs").fetchall()
    ((raw,),) = connection.execute(f"select sum(seconds) from {catalog}lake.jobs").fetchall()
    if not (total == found == raw and jobs == count):
        sys.exit(f"torn: {total} {found} {raw} {jobs} {count}")
    return total

def by_connecting_anew():
    while True:
        with duckdb.connect(path, read_only=True) as connection:
            yield asked(connection)

def by_attaching_anew():
    with duckdb.connect() as connection:
        while True:
            connection.execute(f"attach '{path}' as warehouse (read_only)")
            yield asked(connection, "warehouse.")
            connection.execute("detach warehouse")

def by_one_connection():
    with duckdb.connect(path, read_only=True) as connection:
        while True:
            yield asked(connection)

reads, seen = 0, set()
for total in locals()["by_" + way]():
    if not reads:
        print("ready", flush=True)
    reads += 1
    seen.add(total)
    if select.select([sys.stdin], [], [], 0)[0]:
        break
print(reads, len(seen))
"""
WAYS = {"connecting_anew": True, "attaching_anew": True, "one_connection": False}  # and whether it sees new builds


def test_readers_see_no_error_and_nothing_torn_during_200_publishes(tmp_path, catalogue):
    target = tmp_path / "warehouse.duckdb"
    jobs = [[(f"j{i}", n + i + 1) for i in range(n * 50 + 1)] for n in range(3)]
    published = [tmp_path / f"{n}.duckdb" for n in range(3)]
    for n, rows in enumerate(jobs):
        publish(built(tmp_path / "builds" / f"b{n}", catalogue, rows), tables(catalogue), published[n])
    shutil.copyfile(published[0], target)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    readers = {
        way: subprocess.Popen([sys.executable, "-c", READER, str(target), way], text=True, **pipes) for way in WAYS
    }
    for reader in readers.values():
        assert reader.stdout.readline() == "ready\n"
    for n in range(200):
        with placing(target) as beside:
            shutil.copyfile(published[n % 3], beside)
        time.sleep(0.01)
    for way, reader in readers.items():
        told, errors = reader.communicate("stop\n", timeout=60)
        assert (way, reader.returncode, errors) == (way, 0, "")
        reads, builds_seen = map(int, told.split())
        assert reads > 5
        assert (way, builds_seen > 1) == (way, WAYS[way])


def test_old_builds_are_removed_and_the_latest_kept(tmp_path, catalogue):
    for n in range(5):
        built(tmp_path / "builds" / f"b{n}", catalogue, [("a", 1)])
    assert prune_builds(tmp_path / "builds") == 0
    assert prune_builds(tmp_path / "builds", now=time.time() + GRACE_SECONDS + 60) == 2
    assert sorted(path.name for path in (tmp_path / "builds").iterdir()) == ["b2", "b3", "b4"]


def test_a_build_that_was_killed_as_it_began_or_was_removed_goes_too(tmp_path, catalogue):
    for n in range(3):
        built(tmp_path / "builds" / f"b{n}", catalogue, [("a", 1)])
    (tmp_path / "builds" / "b0" / "settled.json").unlink()
    later = time.time() + GRACE_SECONDS + 60
    assert prune_builds(tmp_path / "builds") == 0
    assert prune_builds(tmp_path / "builds", now=later) == 1
    assert sorted(path.name for path in (tmp_path / "builds").iterdir()) == ["b1", "b2"]
