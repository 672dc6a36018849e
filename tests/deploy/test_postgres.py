"""Dagster keeps its runs in PostgreSQL, as `deploy/dagster.yaml` says: in a real server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets.prune import prune_runs
from tests.postgres_server import PASSWORD

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "dagster.yaml"


@pytest.fixture
def home(postgres_port, tmp_path, monkeypatch):
    """A folder that is DAGSTER_HOME: the configuration, but for the server's port and where files are."""
    text = CONFIGURATION.read_text().replace("/var/lib/dagster", str(tmp_path))
    text = text.replace("      db_name: dagster\n", f"      db_name: postgres\n      port: {postgres_port}\n")
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
