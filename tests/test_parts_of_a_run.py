"""Assets that a person materializes by themselves in Dagster: what cannot be made alone says what to run instead."""

import shutil

import dagster as dg
import pytest

from pipelines.config import Settings
from pipelines.definitions import build_defs
from pipelines.home import Home

CONTEXT = dg.AssetKey(["build", "context"])


@pytest.fixture(scope="module")
def home(made_home, tmp_path_factory):
    """One to write to."""
    return Home(shutil.copytree(made_home.root, tmp_path_factory.mktemp("parts") / "home"))


@pytest.mark.parametrize("selected", ["staging/training_jobs", "marts/failure_rates", "published/warehouse"])
@pytest.mark.parametrize("others", [[], [CONTEXT]])
def test_a_part_of_a_build(home, selected, others):
    key = dg.AssetKey(selected.split("/"))
    job = build_defs(Settings(home=home.root), print).resolve_job_def("refresh")
    before = home.warehouse.read_bytes()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=[*others, key], raise_on_error=False)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    told = str(failed.event_specific_data)
    assert "was not made in this run: a build is made whole, by the job `refresh` or `trainyard build`" in told
    assert "_duckdb" not in told
    assert home.warehouse.read_bytes() == before
