"""A disk that is full, or that may not be written to, is said in one line, and costs nothing: the next run goes on."""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from tests.crash import runs
from tests.crash.boundaries import Boundary, copy, forked, full_after_bytes, stopped
from tests.crash.commands import trainyard
from tests.crash.test_kill import is_new

pytestmark = pytest.mark.forks

IN_VAIN = "in vain:"


def fail(label):
    """What the system, or DuckDB, says where a disk is full."""
    if label.startswith("duckdb"):
        raise duckdb.IOException('Could not write file "x.parquet": No space left on device')
    what, path = label.split(" ")
    named = () if what == "fsync" else (path,)  # as the system does
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *named)


def check(ended, home, world):
    """One line that says what is wrong; what was published is there; and the next run works."""
    assert (ended.signal, ended.code) == (0, 1), ended.output
    assert "Traceback" not in ended.output, ended.output
    said = [line for line in ended.output.splitlines() if line.startswith("trainyard: ")]
    assert said, ended.output

    def after(home):
        runs.in_warehouse(home)
        world.main_job(home)
        is_new(world)(home)

    found = forked(after, home)
    assert found.code == 0, found.output
    return said[-1]


@pytest.fixture(autouse=True)
def two_sources(monkeypatch, world):
    monkeypatch.setenv("TRAINYARD_SOURCES", f"[{runs.SOURCE.model_dump_json()}]")


@pytest.mark.parametrize(
    ("boundary", "named"),
    [
        ("open .lock", ".lock"),
        ("fsync raw/…/.#.ndjson.zst.#.tmp", ".ndjson.zst"),
        ("open sources/.#.json.#.tmp", "sources/"),
        ("duckdb copy", "No space left on device"),
        ("open lake/.manifest.json.#.tmp", "manifest.json"),
        ("open builds/…/.settled.json.#.tmp", "settled.json"),
        ("fsync builds/…/*.parquet.#.tmp", ".parquet"),
        ("os.rename warehouse.duckdb", "warehouse.duckdb"),
    ],
)
def test_where_a_write_fails(world, tmp_path, boundary, named):
    home = copy(world.before, tmp_path / "home")
    ended = stopped(trainyard("run"), home, Boundary(boundary, 1), fail)
    line = check(ended, home, world)
    assert named in line
    assert "No space left on device" in line


@pytest.mark.parametrize("size", [200, 3000, 30_000, 1_000_000])
def test_where_files_are_too_long_for_the_disk(world, tmp_path, size):
    """In the middle of what DuckDB and Arrow write."""
    home = copy(world.before, tmp_path / "home")
    line = check(full_after_bytes(trainyard("run"), home, size), home, world)
    assert "large" in line or "run again" in line, line


def test_a_data_directory_that_may_not_be_written():
    if os.geteuid():
        pytest.skip("only root can become somebody who may not")

    def as_nobody(home):
        command = trainyard("import", os.devnull)
        with suppress(SystemExit):
            command(home.with_name("another"))  # loads all modules: nobody may not read them in every checkout
        print(IN_VAIN, flush=True)
        os.setgroups([])
        os.setuid(65534)
        command(home)

    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to nobody
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir(mode=0o755)
        ended = forked(as_nobody, home)
    assert ended.code == 1, ended.output
    (line,) = ended.output.split(IN_VAIN)[1].strip().splitlines()
    assert str(home) in line
    assert "Permission denied" in line
