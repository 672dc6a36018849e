"""Several accounts and regions: each under its own limit, each with an outcome that is kept and shown."""

import io
import re
import time

import dagster as dg
import pytest
from botocore.loaders import JSONFileLoader
from rich.console import Console

from pipelines.config import Settings, SourceSettings
from pipelines.definitions import build_defs
from pipelines.errors import TrainyardError
from pipelines.harvest import search
from pipelines.harvest.harvest import harvest
from pipelines.harvest.outcome import HARVEST, kept_outcomes
from pipelines.harvest.sources import find_sources
from pipelines.home import Home
from pipelines.progress import Bars, Lines
from pipelines.refresh import Part, refresh
from pipelines.service_model import loader, service_model
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.status import read_status, show_status
from tests import few_models
from tests.main_job import only_the_simulator, published
from tests.simulator.made import T0, job

ROLE = "arn:aws:iam::{}:role/trainyard"
PLACES = [("111122223333", "eu-west-1"), ("111122223333", "us-east-1"), ("444455556666", "eu-west-1")]
NAMES = [f"{account}-{region}" for account, region in PLACES]
SOURCES = (
    SourceSettings(role_arn=ROLE.format("111122223333"), external_id="theirs", regions=("eu-west-1", "us-east-1")),
    SourceSettings(role_arn=ROLE.format("444455556666"), regions=("eu-west-1",)),
)
STRANGER = SourceSettings(role_arn=ROLE.format("999988887777"), regions=("eu-west-1",))  # does not let us in


@pytest.fixture
def simulator(monkeypatch):
    fleet = Fleet(
        job(f"{account}-{number}", T0 + number, account, region) for account, region in PLACES for number in range(5)
    )
    with Simulator(fleet) as simulator:
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        yield simulator


@pytest.fixture
def settings(tmp_path, simulator):
    return Settings(home=tmp_path / "home", sources=SOURCES)


def shown(home):
    console = Console(file=io.StringIO(), width=200)
    show_status(read_status(home), console)
    return console.file.getvalue()


def test_each_region_of_each_account_is_a_source_of_its_own(settings):
    outcomes = harvest(settings)
    assert [(outcome.source, outcome.documents, outcome.error) for outcome in outcomes] == [
        (name, 5, None) for name in NAMES
    ]


def test_botocores_data_is_read_once_however_many_sources(settings, monkeypatch):
    read = []
    load_file = JSONFileLoader.load_file

    def noted(self, path):
        content = load_file(self, path)
        if content:
            read.append(path)
        return content

    monkeypatch.setattr(JSONFileLoader, "load_file", noted)
    for cached in (loader, service_model):
        cached.cache_clear()
    assert len(find_sources(settings)) == len(NAMES)
    assert len([path for path in read if re.search(r"/sagemaker/.*/service-2$", path)]) == 1


def test_the_role_is_assumed_with_the_external_id(settings, simulator):
    asked = []
    answer = simulator.answer
    simulator.answer = lambda target, authorization, body: asked.append(body) or answer(target, authorization, body)
    harvest(settings)
    roles = [body.decode() for body in asked if b"Action=AssumeRole" in body]
    assert {("ExternalId=theirs" in role, "111122223333" in role) for role in roles} == {(True, True), (False, False)}


def test_no_source_makes_more_calls_a_second_than_set_and_retries_count(tmp_path, simulator):
    sources = find_sources(Settings(home=tmp_path, sources=SOURCES, calls_per_second=20))
    simulator.inject(Fault(kind="server-error", operation="Search", count=3))
    for source in sources:
        before, started = simulator.calls["Search"], time.monotonic()
        for _ in range(4):
            source.client.search(Resource="TrainingJob")
        calls = simulator.calls["Search"] - before
        assert calls == (7 if source is sources[0] else 4)
        assert time.monotonic() - started >= (calls - 1) / 20 - 0.001


def test_a_profile_that_is_not_there_does_not_stop_the_others(tmp_path, simulator):
    mixed = Settings(home=tmp_path, sources=(SourceSettings(profile="nobody", regions=("eu-west-1",)), SOURCES[1]))
    missing, found = harvest(mixed)
    assert missing.source == "nobody"
    assert "correct the profile" in missing.error
    assert (found.documents, found.error) == (5, None)


def test_the_outcome_of_each_source_is_kept_and_shown(settings, simulator):
    home = Home(settings.home)
    assert "last harvest: never" in shown(home)
    harvest(settings)
    assert "UTC, every source succeeded" in shown(home)
    outcomes = harvest(settings.model_copy(update={"sources": (*SOURCES, STRANGER)}))
    assert kept_outcomes(home.root, HARVEST).outcomes == outcomes
    assert [outcome.source for outcome in outcomes if outcome.error] == ["999988887777-eu-west-1"]
    status = shown(home)
    assert "1 of 4 sources failed" in status
    assert "999988887777-eu-west-1: An error occurred (AccessDenied" in status
    assert all(name in status for name in NAMES)


def test_through_dagster_a_failed_source_fails_its_check_and_the_run_and_the_others_are_published(
    settings, simulator, models, monkeypatch
):
    few_models.use(monkeypatch.setattr, models)
    defs = build_defs(settings.model_copy(update={"sources": (*SOURCES, STRANGER)}))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("refresh").execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert [event.step_key for event in result.all_events if event.is_step_failure] == [
        "raw__training_job_documents_run_is_whole"
    ]
    (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "every_source_harvested"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    ((name, said),) = check.metadata.items()
    assert name == "999988887777-eu-west-1"
    assert "AccessDenied" in said.value
    (raw,) = result.asset_materializations_for_node("raw__training_job_documents")
    assert raw.metadata["sources"].value[name]["error"] == said.value
    assert len(published(Home(settings.home).warehouse)["jobs"]) == 15
    # A build takes what there is.
    assert refresh(settings, Part.FROM_LAKE, print) == []


def test_sources_that_all_fail_in_the_midst_fail_the_run_once_it_is_published(settings, simulator, models, monkeypatch):
    few_models.use(monkeypatch.setattr, models)
    monkeypatch.setattr(search, "PAGE_JOBS", 3)
    simulator.inject(Fault(kind="access-denied", operation="Search", after=2))
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs(settings.model_copy(update={"sources": SOURCES[1:]}), print).resolve_job_def("refresh")
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert len(published(Home(settings.home).warehouse)["jobs"]) == 3


@pytest.mark.parametrize("part", [Part.FROM_RAW, Part.FROM_LAKE])
def test_where_nothing_was_ever_harvested_nothing_is_published(tmp_path, part, models, monkeypatch):
    few_models.use(monkeypatch.setattr, models)
    settings = Settings(home=tmp_path / "home")
    with pytest.raises(TrainyardError, match="nothing was harvested yet: `trainyard run`"):
        refresh(settings, part, print)
    assert not Home(settings.home).warehouse.exists()


def test_an_account_without_jobs_is_published(tmp_path, monkeypatch):
    with Simulator(Fleet([])) as simulator:
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        assert refresh(Settings(home=tmp_path / "home"), Part.ALL, print) == []
    assert published(tmp_path / "home" / "warehouse.duckdb")["fct_training_jobs"] == []


def test_a_run_that_no_source_gave_anything_to_ends_there(settings, simulator, models, monkeypatch):
    few_models.use(monkeypatch.setattr, models)
    home = Home(settings.home)
    simulator.inject(Fault(kind="access-denied"))
    with pytest.raises(TrainyardError, match=r"nothing was harvested: .*allow it in IAM"):
        refresh(settings, Part.ALL, print)
    assert not any(folder.exists() for folder in (home.raw, home.lake, home.builds, home.warehouse))
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs(settings, print).resolve_job_def("refresh")
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == {"every_source_harvested": False}


def test_bars_show_jobs_calls_and_rate():
    console = Console(file=io.StringIO(), force_terminal=True, width=150)
    with Bars(console) as bars:
        bars("harvesting [bold]")
        bars.on_source("111122223333-eu-west-1", 1200, 12)
        bars.on_source("111122223333-eu-west-1", 2300, 23)
    text = console.file.getvalue()
    assert "harvesting [bold]" in text
    assert "2,300 jobs  23 calls" in text
    assert "jobs/s" in text


def test_lines_are_few_however_many_pages(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr("pipelines.progress.time.monotonic", lambda: now[0])
    lines = Lines(said.append, seconds_between=30)
    for page in range(1, 1001):
        now[0] += 0.1
        lines.on_source("a", page * 100, page)
        lines.on_source("b", page * 100, page)
    assert len(said) == 6
    assert said[0] == "a: 30,100 jobs with 301 calls so far"
