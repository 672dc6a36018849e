"""`trainyard doctor` finds what would stop a run, says what to do about it, and changes nothing."""

import json
import shutil
import time
from collections import namedtuple

import pytest

from pipelines.config import Settings, SourceSettings
from pipelines.doctor import Level, examine
from pipelines.home import working_copy
from pipelines.simulator import Fault, Fleet, Simulator
from tests import bucket
from tests.main_job import CREDENTIALS, only_the_simulator, trainyard
from tests.simulator.made import T0, job

REGION = "us-east-1"


@pytest.fixture
def simulator(monkeypatch):
    with Simulator(Fleet([job("a", T0, region=REGION)])) as simulator:
        simulator.set_time(time.time())
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        yield simulator


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", sources=(SourceSettings(regions=(REGION,)),))


def found(settings):
    """What is not as it should be, by level, and that nothing was written."""
    findings = list(examine(settings))
    assert not settings.home.exists()
    return [(finding.level, finding.told) for finding in findings if finding.level is not Level.ok]


def deny(simulator, *operations):
    for operation in operations:
        simulator.inject(Fault(kind="access-denied", operation=operation))


def test_where_all_is_well_it_says_so_and_asks_four_things(settings, simulator):
    assert found(settings) == []
    asked = {name: times for name, times in simulator.calls.items() if name != "GetCallerIdentity"}
    assert asked == {"Search": 1, "ListTrainingJobs": 1, "DescribeTrainingJob": 1, "ListTags": 1}


def test_an_account_without_jobs_is_well(settings, monkeypatch):
    with Simulator(Fleet([])) as simulator:
        simulator.set_time(time.time())
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        assert found(settings) == []


@pytest.mark.parametrize(
    ("denied", "level", "told"),
    [
        (["Search"], "warning", "jobs are listed instead"),
        (["DescribeTrainingJob"], "warning", "`verify` confirms deletions by Search alone"),
        (["Search", "ListTags"], "failed", "ListTags"),
        (["Search", "ListTrainingJobs"], "failed", "Search"),
    ],
)
def test_what_lacks_permission_is_named_with_what_is_lost(settings, simulator, denied, level, told):
    deny(simulator, *denied)
    findings = found(settings)
    assert level in {found_level for found_level, _ in findings}
    assert any(told in text and "IAM" in text for _, text in findings)


@pytest.mark.parametrize(
    ("setting", "operation", "told"),
    [("price_list", "GetProducts", "no new prices"), ("service_quotas", "ListServiceQuotas", "no new quotas")],
)
def test_what_is_switched_on_is_asked_too(settings, simulator, setting, operation, told):
    deny(simulator, operation)
    assert found(settings) == []
    ((level, text),) = found(settings.model_copy(update={setting: True}))
    assert (level, told in text, "IAM" in text) == (Level.warning, True, True)
    simulator.clear_faults()
    assert found(settings.model_copy(update={setting: True})) == []


@pytest.mark.parametrize("denied", [["ListTrainingJobs"], ["ListTags"]])
def test_what_stands_in_for_search_is_not_missed_where_that_is_allowed(settings, simulator, denied):
    deny(simulator, *denied)
    assert found(settings) == []
    *_, last = examine(settings)
    assert (last.level, last.told) == (Level.ok, "may be harvested")


def test_cloudwatch_is_asked_where_it_is_to_be(settings, simulator):
    settings = settings.model_copy(update={"cloudwatch": True})
    assert found(settings) == []
    assert simulator.calls["GetMetricData"] == 1
    deny(simulator, "GetMetricData")
    ((level, text),) = found(settings)
    assert level is Level.warning
    assert "allow it in IAM; hardware use stays unknown" in text


@pytest.mark.parametrize(
    ("off", "told"), [(400, "400 seconds behind"), (-90, "90 seconds ahead"), (-58.2 * 86_400, "58 days ahead")]
)
def test_a_clock_that_is_off(settings, simulator, off, told):
    simulator.set_time(time.time() + off)
    ((level, text),) = found(settings)
    assert level is Level.warning
    assert told.split()[1:] == text.split(": ")[0].split()[-2:]


def test_a_disk_that_is_nearly_full(settings, simulator, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40, 2**20))
    ((level, text),) = found(settings)
    assert (level, "make room" in text) == (Level.warning, True)


def test_a_bucket_is_asked(settings, simulator, monkeypatch, tmp_path):
    with bucket.served() as surroundings:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", surroundings["AWS_ENDPOINT_URL_S3"])
        there = settings.model_copy(update={"home": working_copy(f"s3://{bucket.NAME}/data", tmp_path / "cache")})
        assert found(there) == []
        missing = settings.model_copy(update={"home": working_copy("s3://no-such-bucket/data", tmp_path / "cache")})
        ((level, told),) = [(level, told) for level, told in found(missing) if "no-such-bucket" in told]
    assert level is Level.failed
    assert "create it, or correct TRAINYARD_HOME" in told


def test_a_folder_that_is_none(settings, simulator, tmp_path):
    (tmp_path / "home").write_text("")
    findings = list(examine(settings))
    assert [finding.level for finding in findings if finding.subject == "data directory"] == [Level.failed]


def test_the_command_fails_where_a_run_would(simulator, tmp_path):
    surroundings = CREDENTIALS | {"AWS_ENDPOINT_URL": simulator.url, "AWS_REGION": REGION}
    well = trainyard("doctor", home=tmp_path / "home", **surroundings)
    assert [line.split()[0] for line in well.stdout.splitlines()] == ["ok"] * 3
    findings = json.loads(trainyard("doctor", "--json", home=tmp_path / "home", **surroundings).stdout)
    assert [f"{found['level']:<8} {found['subject']}: {found['told']}" for found in findings][-1:] == (
        well.stdout.splitlines()[-1:]
    )
    deny(simulator, "Search", "ListTrainingJobs")
    failed = trainyard("doctor", home=tmp_path / "home", check=False, **surroundings)
    assert failed.returncode == 1
    assert failed.stdout.splitlines()[-1].startswith("failed   ")
    assert failed.stderr == ""
