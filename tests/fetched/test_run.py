"""A run asks for prices and quotas where it is told to, builds with them, and only warns of what it was denied."""

import io

import pytest
from rich.console import Console

from pipelines.assets.fetched import fetched_assets
from pipelines.config import Settings, SourceSettings
from pipelines.home import Home
from pipelines.refresh import Part, refresh
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.status import read_status, show_status
from tests import few_models
from tests.main_job import only_the_simulator, published
from tests.simulator.made import T0, job


@pytest.fixture
def simulator(monkeypatch, models):
    few_models.use(monkeypatch.setattr, models)
    with Simulator(Fleet([job("a", T0)])) as simulator:
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        yield simulator


@pytest.fixture
def settings(tmp_path):
    role = SourceSettings(role_arn="arn:aws:iam::111122223333:role/trainyard", regions=("eu-west-1",))
    return Settings(home=tmp_path / "home", sources=(role,), calls_per_second=1000)


def test_unless_told_to_a_run_asks_for_neither(settings):
    assert fetched_assets(settings) == []


def test_what_is_denied_is_a_warning_and_the_rest_is_published(settings, simulator):
    settings = settings.model_copy(update={"price_list": True, "service_quotas": True})
    simulator.inject(Fault(kind="access-denied", operation="GetProducts"))
    (finding,) = refresh(settings, Part.ALL, print)
    assert not finding.is_failure
    assert "every_place_told failed: 111122223333-eu-west-1: An error occurred (AccessDeniedException)" in finding.text
    console = Console(file=io.StringIO(), width=200)
    show_status(read_status(Home(settings.home)), console)
    shown = console.file.getvalue()
    assert "1 of 1 sources failed\n  111122223333-eu-west-1: An error occurred (AccessDeniedException)" in shown
    assert "last service-quotas: " in shown
    tables = published(settings.home / "warehouse.duckdb", "reference")
    assert tables["prices"] == []
    assert {row["kind"] for row in tables["quotas"]} == {"training_jobs", "warm_pools"}
