"""Dagster keeps its runs in PostgreSQL, as `deploy/dagster.yaml` says: in a real server, where one is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets.prune import prune_runs

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "dagster.yaml"
PASSWORD = "not a secret"


def program(name):
    """Where PostgreSQL's program is: Debian has it in no folder of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name, path=os.pathsep.join([*(str(path.parent) for path in found), os.environ["PATH"]]))


@pytest.fixture(scope="module")
def port():
    """The port of a server that is made for these tests."""
    if not program("initdb"):
        pytest.skip("PostgreSQL is not installed here (Debian: postgresql)")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as number:
        yield number


@contextmanager
def serving(folder):
    """Serve an empty cluster of databases in a folder while the block runs; gives the port."""
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to be root's
    (folder / "password").write_text(PASSWORD)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]

    def run(name, *arguments):
        command = [program(name), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    run("initdb", "-U", "dagster", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync")
    settings = f"-p {number} -h 127.0.0.1 -k {folder} -c fsync=off"
    run("pg_ctl", "start", "-w", "-o", settings, "-l", str(folder / "log"))
    try:
        yield number
    finally:
        run("pg_ctl", "stop", "-m", "immediate")


@pytest.fixture
def home(port, tmp_path, monkeypatch):
    """A folder that is DAGSTER_HOME: the configuration, but for the server's port and where files are."""
    text = CONFIGURATION.read_text().replace("/var/lib/dagster", str(tmp_path))
    text = text.replace("      db_name: dagster\n", f"      db_name: postgres\n      port: {port}\n")
    (tmp_path / "dagster.yaml").write_text(text)
    monkeypatch.setenv("DAGSTER_POSTGRES_HOST", "127.0.0.1")
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", PASSWORD)
    return str(tmp_path)


@dg.op
def tiny_step(context):
    context.log.info("worked")


@dg.job(executor_def=dg.in_process_executor)
def tiny():
    tiny_step()


def test_a_run_is_kept_and_found_again_and_removed(home):
    with dg.DagsterInstance.from_config(home) as instance:
        run_id = tiny.execute_in_process(instance=instance).run_id
    with dg.DagsterInstance.from_config(home) as instance:
        (run,) = instance.get_runs()
        assert (run.run_id, run.status) == (run_id, dg.DagsterRunStatus.SUCCESS)
        assert "worked" in {entry.user_message for entry in instance.all_logs(run_id)}
        assert prune_runs(instance, datetime.now(UTC) + timedelta(minutes=1)) == 1
        assert not instance.get_runs()
        assert not instance.all_logs(run_id)
