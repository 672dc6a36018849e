"""Ctrl-C or SIGTERM, whenever it comes: one line, an exit code that tells, nothing half published."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from tests.crash import runs
from tests.crash.boundaries import Boundary, copy, run, stopped
from tests.crash.commands import trainyard
from tests.crash.test_kill import is_new, is_old_or_new

pytestmark = pytest.mark.forks


@pytest.mark.parametrize(
    ("sent", "boundary"),
    [
        (signal.SIGINT, "send"),
        (signal.SIGTERM, "send"),
        (signal.SIGTERM, "fsync builds/…/*.parquet.#.tmp"),
        (signal.SIGINT, "duckdb insert"),
    ],
)
def test_a_run(world, tmp_path, monkeypatch, sent, boundary):
    monkeypatch.setenv("TRAINYARD_SOURCES", f"[{runs.SOURCE.model_dump_json()}]")
    home = copy(world.before, tmp_path / "home")
    ended = stopped(trainyard("run"), home, Boundary(boundary, 2), lambda _: os.kill(os.getpid(), sent))
    assert (ended.signal, ended.code) == (0, 128 + sent), ended.output
    assert "Traceback" not in ended.output
    assert "published" not in ended.output
    assert ended.output.splitlines()[-1] == f"trainyard: ended by {sent.name}: run it again to go on"
    for step in (is_old_or_new(world), world.main_job, is_new(world)):
        run(step, home)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_command_outside_of_dagster_and_duckdb(tmp_path, sent):
    file = tmp_path / "jobs.ndjson"
    file.write_text('{"TrainingJobArn": "arn:aws:sagemaker:us-east-1:111122223333:training-job/a"}\n')
    boundary = Boundary("os.rename raw/…/#.ndjson.zst", 1)
    ended = stopped(trainyard("import", file), tmp_path / "home", boundary, lambda _: os.kill(os.getpid(), sent))
    assert (ended.signal, ended.code) == (0, 128 + sent), ended.output
    assert ended.output == f"trainyard: ended by {sent.name}: run it again to go on\n"


def has_open(process, path):
    """Whether a process has a file open."""
    return any(os.path.realpath(each) == str(path) for each in Path(f"/proc/{process}/fd").iterdir())


def ticks(process):
    """The hundredths of a second that a process has worked."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11])


def wait_for(is_so):
    until = time.monotonic() + 60
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)


def test_a_query_that_would_not_end(tmp_path):
    home = Home(tmp_path)
    endless = "select sum(a.range * b.range) from range(10000000) as a, range(10000000) as b"
    duckdb.connect(str(home.warehouse)).close()
    command = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "query", endless],
        env=os.environ | {"TRAINYARD_HOME": str(home.root)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: has_open(command.pid, home.warehouse))
    opened = ticks(command.pid)
    wait_for(lambda: ticks(command.pid) > opened + 50)
    command.terminate()
    _, said = command.communicate(timeout=30)
    assert (command.returncode, said) == (143, "trainyard: ended by SIGTERM: run it again to go on\n")
