"""Collecting from a simulated CloudWatch: every measurement that is kept there, once, whatever happens meanwhile."""

import shutil
import time
from datetime import UTC, datetime
from io import StringIO

import dagster as dg
import duckdb
import pytest
from rich.console import Console

from pipelines.assets.lake import lake_key
from pipelines.cloudwatch import collect as collecting
from pipelines.cloudwatch import store
from pipelines.cloudwatch.collect import collect
from pipelines.cloudwatch.due import forgotten_jobs
from pipelines.cloudwatch.tables import ALGORITHM_METRICS, HARDWARE_METRICS, METRIC_TABLES, METRIC_WINDOWS
from pipelines.config import Settings, SourceSettings
from pipelines.definitions import build_defs
from pipelines.harvest.archive import write_last_look
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.damage import explained
from pipelines.lake.load import load
from pipelines.lake.manifest import select_table
from pipelines.lake.prune import GRACE_SECONDS, prune
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator import cloudwatch as simulated
from pipelines.status import read_status, show_status
from tests import few_models
from tests.main_job import only_the_simulator, rows
from tests.simulator.clients import client
from tests.simulator.made import T0, job

DAY = 24 * 3600
SOURCE = "111122223333-eu-west-1"
REGION = "eu-west-1"
LOSS = {"MetricDefinitions": [{"Name": "loss", "Regex": "x"}]}


def ran(name, days_ago, hours, instances=1, instance_type="ml.p3.8xlarge", **members):
    started = T0 - days_ago * DAY
    times = {"TrainingStartTime": started + 10, "TrainingEndTime": started + 10 + hours * 3600}
    return job(
        name,
        started,
        **times,
        LastModifiedTime=times["TrainingEndTime"],
        SecondaryStatusTransitions=[],
        ResourceConfig={"InstanceType": instance_type, "InstanceCount": instances},
        AlgorithmSpecification=LOSS,
        **members,
    )


FLEET = [
    ran("lately", 14, 1, instances=2),
    ran("a-month-ago", 30, 1, instance_type="ml.m5.large"),
    ran("a-year-ago", 360, 2),
    ran("forgotten", 460, 1),
    ran("vast", 2, 1, instances=2**62),
    job("never-started", T0 - DAY, TrainingStartTime=None, SecondaryStatusTransitions=[]),
]
# It goes on beyond every look of these tests.
OPEN = ran("open", 0.05, 1000, TrainingJobStatus="InProgress", SecondaryStatus="Training")
for absent in ("TrainingEndTime", "BillableTimeInSeconds", "ModelArtifacts"):
    OPEN.pop(absent)
SETTINGS = {"sources": (SourceSettings(regions=(REGION,)),), "cloudwatch": True, "calls_per_second": 1000}


@pytest.fixture(scope="module")
def harvested(tmp_path_factory):
    """A data directory with the jobs in its lake."""
    home = Home(tmp_path_factory.mktemp("harvested") / "home")
    with Simulator(Fleet([*FLEET, OPEN]), now=T0) as simulator, pytest.MonkeyPatch.context() as patch:
        only_the_simulator(patch, AWS_ENDPOINT_URL=simulator.url)
        (outcome,) = harvest(Settings(home=home.root, **SETTINGS))
        assert outcome.error is None
        load(home)
    return home


@pytest.fixture
def home(harvested, tmp_path):
    return Home(shutil.copytree(harvested.root, tmp_path / "home"))


@pytest.fixture
def simulator(monkeypatch):
    with Simulator(Fleet([*FLEET, OPEN]), now=T0) as simulator:
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        yield simulator


def collected(home):
    """Collect; gives the outcome of the one source."""
    with home.writing():
        (outcome,) = collect(Settings(home=home.root, **SETTINGS))
    return outcome


def held(home, table):
    with duckdb.connect() as connection:
        paths = store.held(home).paths(home.metrics, table.name)
        return rows(connection, select_table(table, paths) + " order by all")


def everything(home):
    """All that is held but for when it was asked."""
    return {
        table.name: [{name: value for name, value in row.items() if name != "asked_at"} for row in held(home, table)]
        for table in METRIC_TABLES
    }


@pytest.fixture(scope="module")
def undisturbed(harvested, tmp_path_factory):
    """What is held after one collection in which nothing happens."""
    home = Home(shutil.copytree(harvested.root, tmp_path_factory.mktemp("undisturbed") / "home"))
    with Simulator(Fleet([*FLEET, OPEN]), now=T0) as simulator, pytest.MonkeyPatch.context() as patch:
        only_the_simulator(patch, AWS_ENDPOINT_URL=simulator.url)
        outcome = collected(home)
        assert (outcome.error, simulator.calls["GetMetricData"]) == (None, outcome.calls)
    return everything(home)


def name_of(row):
    return row["training_job_arn"].rsplit("/")[-1]


def test_each_job_has_all_at_the_finest_period_that_is_left(undisturbed):
    windows = {(name_of(row), row["period_seconds"], row["hosts"]) for row in undisturbed[METRIC_WINDOWS.name]}
    assert windows == {("lately", 60, 2), ("a-month-ago", 300, 1), ("a-year-ago", 3600, 1), ("open", 60, 1)}
    periods = {}
    for row in undisturbed[HARDWARE_METRICS.name]:
        periods.setdefault((name_of(row), row["host"], row["metric_name"]), []).append(row)
    hosts = {(name, host) for name, host, _ in periods}
    assert hosts == {
        ("lately", "algo-1"),
        ("lately", "algo-2"),
        *((n, "algo-1") for n in ("a-month-ago", "a-year-ago", "open")),
    }
    gpus = {(name, metric) for name, _, metric in periods if metric.startswith("GPU")}
    assert {name for name, _ in gpus} == {"lately", "a-year-ago", "open"}
    assert {name: len(found) for (name, _, metric), found in periods.items() if metric == "CPUUtilization"} == {
        "lately": 61,
        "a-month-ago": 13,
        "a-year-ago": 3,
        "open": 67,
    }
    for (name, *_), found in periods.items():
        assert all((row["maximum"] is None) == (name in ("lately", "open")) for row in found)
        assert len({row["period_start"] for row in found}) == len(found)
    losses = undisturbed[ALGORITHM_METRICS.name]
    assert {(name_of(row), row["metric_name"]) for row in losses} == {(name, "loss") for name, *_ in windows}


def test_what_is_held_is_what_boto3_is_told(undisturbed, simulator):
    answer = client(simulator, "cloudwatch", REGION).get_metric_data(
        StartTime=T0 - 14.5 * DAY,
        EndTime=T0,
        MetricDataQueries=[
            {
                "Id": "q",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "/aws/sagemaker/TrainingJobs",
                        "MetricName": "CPUUtilization",
                        "Dimensions": [{"Name": "Host", "Value": "lately/algo-2"}],
                    },
                    "Period": 60,
                    "Stat": "Average",
                },
            }
        ],
    )
    (result,) = answer["MetricDataResults"]
    told = dict(zip((each.replace(tzinfo=None) for each in utc(result["Timestamps"])), result["Values"], strict=True))
    assert told == {
        row["period_start"]: row["value"]
        for row in undisturbed[HARDWARE_METRICS.name]
        if (name_of(row), row["host"], row["metric_name"]) == ("lately", "algo-2", "CPUUtilization")
    }
    assert max(told.values()) > 100  # of 32 vCPUs


def utc(instants):
    return [datetime.fromtimestamp(each.timestamp(), UTC) for each in instants]


def test_only_what_is_not_held_is_asked_for(home, simulator):
    assert collected(home).documents > 0
    before = everything(home)
    assert (collected(home).calls, everything(home)) == (0, before)
    simulator.advance(3600)
    harvest(Settings(home=home.root, **SETTINGS))
    outcome = collected(home)
    assert outcome.calls == 1
    windows = [row for row in held(home, METRIC_WINDOWS) if name_of(row) == "open"]
    first, second = sorted(windows, key=lambda row: row["window_start"])
    assert first["window_end"] == second["window_start"]
    starts = [
        row["period_start"]
        for row in held(home, HARDWARE_METRICS)
        if (name_of(row), row["metric_name"]) == ("open", "CPUUtilization")
    ]
    assert len(set(starts)) == len(starts) == 127


def test_of_a_job_with_very_many_points_some_are_asked_for_in_each_run(home, simulator, undisturbed, monkeypatch):
    monkeypatch.setattr(collecting, "POINTS_OF_A_JOB", 300)
    kept = []
    while not kept or kept[-1]:
        kept.append(collected(home).documents)
    assert len(kept) > 3
    for table in (HARDWARE_METRICS, ALGORITHM_METRICS):
        assert everything(home)[table.name] == undisturbed[table.name]


@pytest.mark.parametrize(
    ("fault", "more_calls"),
    [
        (Fault("throttle", "GetMetricData", count=1), 1),
        (Fault("partial-data", "GetMetricData", count=2), 2),
        (Fault("truncate", "GetMetricData", count=1), 1),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_what_goes_wrong_and_passes_is_asked_for_again(home, simulator, undisturbed, fault, more_calls):
    simulator.inject(fault)
    outcome = collected(home)
    assert outcome.error is None
    assert simulator.calls["GetMetricData"] == outcome.calls == 3 + more_calls  # for each period
    assert everything(home) == undisturbed


def test_pages_are_gone_through_and_begun_anew_where_a_token_expires(home, simulator, undisturbed, monkeypatch):
    monkeypatch.setattr(simulated, "MOST_POINTS", 100)
    simulator.inject(Fault("expired-token", "GetMetricData", after=4, count=1))
    outcome = collected(home)
    assert outcome.error is None
    assert outcome.calls > 10
    assert everything(home) == undisturbed


def test_what_is_given_in_part_for_ever_is_told_and_what_came_before_is_kept(home, simulator):
    simulator.inject(Fault("partial-data", "GetMetricData", after=1))
    outcome = collected(home)
    assert "only in part" in outcome.error
    assert {name_of(row) for row in held(home, METRIC_WINDOWS)} == {"a-year-ago"}


def test_a_process_that_dies_at_the_commit_leaves_nothing_and_the_next_one_all(
    home, simulator, undisturbed, monkeypatch
):
    class KilledError(Exception):
        pass

    def kill(*_):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(store, "replace_manifest", kill)
        assert "KilledError" in collected(home).error
    assert all(not rows_of_table for rows_of_table in everything(home).values())
    left = set(home.metrics.rglob("*.parquet"))
    assert left
    assert collected(home).error is None
    assert everything(home) == undisturbed
    assert prune(home, time.time() + GRACE_SECONDS + 60) == len(left)
    assert everything(home) == undisturbed


def test_a_damaged_file_is_named_with_the_way_out(home, simulator):
    collected(home)
    (home.metrics / "manifest.json").write_bytes(b"{")
    way_out = f"bring it back from a copy, or remove {home.metrics}"
    assert way_out in collected(home).error
    shutil.rmtree(home.metrics)
    assert collected(home).documents
    path = max(home.metrics.rglob("*.parquet"))
    path.write_bytes(b"broken")
    told = str(explained(duckdb.IOException("broken"), home))
    assert told.startswith(f"{path} is damaged")
    assert way_out in told


def test_files_are_joined_when_they_are_many(home, simulator, monkeypatch):
    monkeypatch.setattr(store, "SPARE_FILES", 1)
    monkeypatch.setattr(store, "WINDOWS_A_FILE", 1000)
    for _ in range(3):
        assert collected(home).error is None
        simulator.advance(1800)
        harvest(Settings(home=home.root, **SETTINGS))
    windows = [part.tables[METRIC_WINDOWS.name] for part in store.held(home).partitions]
    assert max(len(table.files) for table in windows) == 2
    assert sum(table.rows for table in windows) == 6
    starts = [
        (row["host"], row["metric_name"], row["period_start"], name_of(row)) for row in held(home, HARDWARE_METRICS)
    ]
    assert len(set(starts)) == len(starts)


def test_a_look_of_long_ago_does_not_decide_what_is_left(home, simulator):
    write_last_look(home.root, SOURCE, T0 - DAY / 2)
    simulator.set_time(T0 + 1.5 * DAY)
    assert collected(home).error is None
    periods = {name_of(row): row["period_seconds"] for row in held(home, METRIC_WINDOWS) if name_of(row) != "open"}
    assert periods == {"lately": 300, "a-month-ago": 300, "a-year-ago": 3600}


def step(home, **settings):
    """The check of the step that asks CloudWatch, which succeeds in any case, and the lines that it told."""
    told = []
    refresh = build_defs(Settings(home=home.root, **SETTINGS | settings), told.append).resolve_job_def("refresh")
    keys = [lake_key(table.name) for table in METRIC_TABLES]
    with dg.DagsterInstance.ephemeral() as instance:
        result = refresh.execute_in_process(instance=instance, asset_selection=keys)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    return check, told


def test_of_what_is_forgotten_only_months_so_old_are_read(home):
    months = sorted(home.lake.glob("training_jobs/*/*/month=*"))
    assert len(months) > 2
    for month in months[1:]:
        shutil.rmtree(month)
    assert forgotten_jobs(home) == 1


def test_a_source_that_denies_it_is_told_of_once_and_stops_nothing(home, simulator, models, monkeypatch):
    few_models.use(monkeypatch.setattr, models)
    simulator.inject(Fault("access-denied", "GetMetricData"))
    check, told = step(home)
    assert "of 1 jobs nothing was asked: CloudWatch forgets what ended 455 days ago" in told
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "allow it in IAM" in check.metadata[SOURCE].value
    assert simulator.calls["GetMetricData"] == 1
    console = Console(file=StringIO(), width=200)
    show_status(read_status(home), console)
    assert console.file.getvalue().count("GetMetricData") == 1
    assert step(home, cloudwatch=False)[0].passed
    assert simulator.calls["GetMetricData"] == 1
