"""The daily job `prune` leaves what is in use, and nothing of old runs."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from pipelines.assets.prune import prune_runs
from pipelines.config import Settings
from pipelines.definitions import build_defs
from pipelines.home import Home
from tests.main_job import published


@dg.op
def nothing():
    pass


@dg.job(executor_def=dg.in_process_executor)
def some_job():
    nothing()


def files_of(run_id, folder):
    return list(Path(folder).rglob(f"*{run_id}*"))


def test_an_old_run_leaves_nothing(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        old, young = (some_job.execute_in_process(instance=instance).run_id for _ in range(2))
        assert files_of(old, tmp_path)
        created = instance.get_run_record_by_id(young).create_timestamp
        assert prune_runs(instance, created) == 1
        assert instance.get_run_by_id(old) is None
        assert files_of(old, tmp_path) == []
        assert instance.get_run_by_id(young).status is dg.DagsterRunStatus.SUCCESS
        assert files_of(young, tmp_path)
        assert instance.all_logs(young)


def test_a_run_that_goes_on_is_kept_however_old(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED)
        assert prune_runs(instance, datetime.now(UTC) + timedelta(days=1)) == 0
        assert instance.get_run_by_id(run.run_id)


def test_the_job_leaves_the_warehouse_as_it_is(made_home, tmp_path):
    home = Home(shutil.copytree(made_home.root, tmp_path / "home"))
    before = published(home.warehouse)["build_info"]
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs(Settings(home=home.root)).resolve_job_def("prune")
        assert job.execute_in_process(instance=instance).success
    assert published(home.warehouse)["build_info"] == before


def test_every_schedule_is_there():
    defs = build_defs(Settings(schedule="7 * * * *"))
    crons = {name: defs.resolve_schedule_def(name).cron_schedule for name in ("refresh", "verify", "prune")}
    assert crons["refresh"] == "7 * * * *"
    assert all(cron.split()[2:] == ["*", "*", "*"] for cron in crons.values())
