"""One process at a time writes to the data directory, and what it writes is its user's alone, but for the warehouse."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from pipelines.errors import TrainyardError
from pipelines.home import Home
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests import few_models
from tests.crash import commands
from tests.crash.boundaries import forked
from tests.main_job import CREDENTIALS, trainyard

HOLDER = """
import sys, time
from pathlib import Path
from pipelines.home import Home
with Home(Path(sys.argv[1])).writing():
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def holder(home):
    """Another process that writes."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    yield process
    process.kill()
    process.communicate()


def test_who_writes_and_since_when_is_said(home, holder):
    with pytest.raises(TrainyardError) as error, home.writing(wait_seconds=0):
        pass
    said = str(error.value)
    assert f"process {holder.pid}" in said
    assert f"since {time.strftime('%Y-%m-%d', time.gmtime())}" in said
    assert str(home.root) in said


def test_nobody_is_named_who_has_ended(home):
    with home.writing():
        assert f"process {os.getpid()}" in home._writer()
    assert home._writer() == f"another process is writing to {home.root}"


@pytest.mark.forks
def test_a_command_does_not_wait_for_another(home, holder, models, monkeypatch):
    few_models.use(monkeypatch.setattr, models)
    started = time.monotonic()
    for command in (["run"], ["build"], ["rebuild"], ["import", __file__]):
        failed = forked(commands.trainyard(*command), home.root)
        assert failed.code == 1
        assert len(failed.output.strip().splitlines()) == 1
        assert f"process {holder.pid}" in failed.output
    assert time.monotonic() - started < 60


def test_a_lock_left_by_a_killed_process_is_taken_over(home, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with home.writing(wait_seconds=0):
        pass


def test_whoever_writes_may_do_so_in_a_step_of_a_step(home):
    with home.writing() as work:
        (work / "spilled").touch()
        with home.writing(wait_seconds=0) as own:
            assert own == work
        assert f"process {os.getpid()}" in home._writer()
        assert (work / "spilled").exists()


def test_of_two_runs_started_at_once_one_works(home, models):
    fleet = Fleet(made_documents(seed=11, jobs=40, end=1_790_812_800))
    with Simulator(fleet) as simulator:
        environment = (
            os.environ
            | CREDENTIALS
            | {
                "AWS_ENDPOINT_URL": simulator.url,
                "AWS_REGION": "us-east-1",
                "AWS_CONFIG_FILE": os.devnull,
                "TRAINYARD_HOME": str(home.root),
            }
        )
        command = [*few_models.command(models), "run"]
        runs = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = {run.pid: run.communicate(timeout=120) for run in runs}
    (works,) = [run.pid for run in runs if run.returncode == 0]
    (other,) = [run.pid for run in runs if run.returncode == 1]
    assert said[other][1].startswith("trainyard: ")
    assert f"process {works}" in said[other][1]
    assert home.warehouse.exists()


def test_files_are_the_users_alone_but_for_the_warehouse(home, models):
    with Simulator(Fleet(made_documents(seed=11, jobs=40, end=1_790_812_800))) as simulator:
        surroundings = CREDENTIALS | {"AWS_ENDPOINT_URL": simulator.url, "AWS_REGION": "us-east-1"}
        trainyard("run", home=home.root, models=models, **surroundings)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in home.root.rglob("*")}
    assert modes.pop(home.warehouse) == 0o444
    # Whoever may not list the folder may still open the warehouse in it.
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o711
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_the_mode_that_a_user_gave_the_data_directory_stays(home):
    home.root.mkdir(mode=0o700)
    with home.writing():
        pass
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
