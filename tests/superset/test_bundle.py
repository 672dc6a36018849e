"""The bundle for Superset: what it says of the warehouse is what the warehouse says, and its metrics are the marts'."""

import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
import yaml

from bi.superset.build import CONNECT_ARGS, DASHBOARDS, FILTERS, write_bundle
from bi.superset.datasets import DATASETS
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped


@pytest.fixture(scope="module")
def files(made_home, tmp_path_factory):
    """What a bundle has: name of a file -> what it says."""
    return read(bundle_of(made_home.warehouse, tmp_path_factory.mktemp("bundle") / "bundle.zip"))


@pytest.fixture(scope="module")
def warehouse(made_home):
    """The warehouse as Superset opens it."""
    with duckdb.connect(str(made_home.warehouse), **CONNECT_ARGS) as connection:
        yield connection


def bundle_of(warehouse, path, **options):
    write_bundle(warehouse, path, **options)
    return path


def read(bundle):
    with zipfile.ZipFile(bundle) as file:
        return {
            name.removeprefix("trainyard/"): yaml.load(file.read(name), yaml.CSafeLoader) for name in file.namelist()
        }


def datasets(files):
    return {config["table_name"]: config for name, config in files.items() if name.startswith("datasets/")}


def measured(warehouse, dataset, where="true"):
    """Metric -> its value over all rows of a dataset."""
    metrics = ", ".join(f'{metric.sql} as "{metric.name}"' for metric in DATASETS[dataset].metrics)
    source = DATASETS[dataset].sql or f"from marts.{dataset}"
    result = warehouse.execute(f"select {metrics} from ({source}) where {where}")
    return dict(zip([name for name, *_ in result.description], result.fetchone(), strict=True))


def test_the_same_warehouse_gives_the_same_bundle(made_home, tmp_path):
    first, second = (bundle_of(made_home.warehouse, tmp_path / name).read_bytes() for name in ("1.zip", "2.zip"))
    assert first == second


def test_names_are_of_one_thing_each(files):
    uuids = [config["uuid"] for config in files.values() if "uuid" in config]
    assert len(set(uuids)) == len(uuids) == len(files) - 1
    assert sum(name.startswith("charts/") for name in files) == sum(len(dashboard.charts) for dashboard in DASHBOARDS)


def test_what_is_of_the_warehouse_is_described_in_its_words(files):
    tables = {table.name: table for table in load_catalogue(shipped("sql")).marts}
    for name, dataset in datasets(files).items():
        assert all(part["description"] for part in [dataset, *dataset["columns"], *dataset["metrics"]]), name
        if name in tables:
            assert dataset["description"] == tables[name].comment
            columns = {column["column_name"]: column["description"] for column in dataset["columns"]}
            assert columns.items() >= {column.name: column.comment for column in tables[name].columns}.items()


def test_metrics_are_described_by_a_sentence(files):
    metrics = [metric for dataset in datasets(files).values() for metric in dataset["metrics"]]
    assert [metric["metric_name"] for metric in metrics if " " not in metric["description"]] == []


def test_every_dataset_is_drawn():
    assert {chart.dataset.name for dashboard in DASHBOARDS for chart in dashboard.charts} == DATASETS.keys()


def test_filters_leave_out_the_charts_that_lack_their_column(files):
    dashboard = files["dashboards/fleet-health.yaml"]
    charts = {
        part["meta"]["chartId"]: part["meta"]["sliceName"]
        for part in dashboard["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    }
    left_out = {
        row["name"]: {charts[number] for number in row["scope"]["excluded"]}
        for row in dashboard["metadata"]["native_filter_configuration"]
    }
    assert left_out.keys() == {"Time", *FILTERS}
    assert left_out["Time"] == {"Stuck jobs", "Stuck jobs, the oldest first", "Data quality", "Freshness"}
    assert {"GPUs at once, whole fleet", "Data quality", "Freshness"} <= left_out["Instance type"]
    assert not {"Data quality", "Freshness", "Failure rate"} & left_out["Account"]


def test_rates_over_all_rows_are_those_of_all_jobs(warehouse):
    (expected,) = warehouse.execute(
        "select failure_rate, failure_rate_low, failure_rate_high from marts.failure_rates"
    ).fetchall()
    told = measured(warehouse, "failure_rates_daily")
    assert [told[f"Failure rate{end}"] for end in ("", ", at least", ", at most")] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("dataset", "rate"),
    [("failure_rates_daily", "Failure rate"), ("ended_jobs_by_failure_class", "Share of ended jobs")],
)
def test_of_no_jobs_there_is_neither_a_rate_nor_an_interval(warehouse, dataset, rate):
    told = measured(warehouse, dataset, "false")
    assert [told[f"{rate}{end}"] for end in ("", ", at least", ", at most")] == [None] * 3


def test_totals_over_all_rows_are_those_of_the_fleet(warehouse):
    (expected,) = warehouse.execute("select instance_hours, gpu_hours from marts.fleet_totals").fetchall()
    for dataset in ("utilization_daily", "instance_type_utilization_daily", "jobs"):
        told = measured(warehouse, dataset)
        assert (told["Instance-hours"], told["GPU-hours"]) == pytest.approx(expected), dataset


def test_shares_of_failure_classes_are_of_all_ended_jobs_whichever_classes_are_asked_for(warehouse):
    ((failed, ended),) = warehouse.execute(
        "select failed_jobs, completed_jobs + failed_jobs + stopped_jobs from marts.failure_rates"
    ).fetchall()
    classes = warehouse.execute("select failure_class, sum(jobs) from marts.failure_classes group by failure_class")
    asked = [(f"failure_class = '{name}'", jobs) for name, jobs in classes.fetchall()]
    (one, some), (other, more), *_ = asked
    for where, jobs in [*asked, (f"{one} or {other}", some + more), ("true", failed)]:
        told = measured(warehouse, "ended_jobs_by_failure_class", where)
        assert told["Share of ended jobs"] == pytest.approx(jobs / ended), where


def test_teams_are_the_owners_that_the_warehouse_knows(warehouse):
    owners = dict(
        warehouse.execute("""
            select coalesce(owner, 'no team'), instance_hours from marts.instance_hours_by_owner
            where owner_kind = 'team'
        """).fetchall()
    )
    assert len(owners) > 2
    told = {owner: measured(warehouse, "jobs", f"team = '{owner}'")["Instance-hours"] for owner in owners}
    assert told == pytest.approx(owners)


def test_without_a_price_there_is_no_cost(warehouse):
    told = measured(warehouse, "list_costs_daily", "price_per_hour is null")
    assert told["Billed instance-hours"] > 0
    assert told["List cost"] is None


@pytest.mark.parametrize(
    "sql",
    [
        "from read_text('{file}')",
        "from glob('{folder}/*')",
        "copy (select 1) to '{folder}/written'",
        "attach '{file}' as other",
        "set enable_external_access = true",
        "drop table marts.build_info",
    ],
)
def test_its_connection_lets_nobody_at_files(warehouse, tmp_path, sql):
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(duckdb.Error, match=r"disabled|locked|read-only"):
        warehouse.execute(sql.format(file=file, folder=tmp_path))


def test_the_warehouse_is_where_superset_finds_it(made_home, tmp_path, monkeypatch):
    monkeypatch.chdir(made_home.root)
    for seen_as, expected in ((None, made_home.warehouse), (Path("/mnt/w.duckdb"), "/mnt/w.duckdb")):
        bundle = bundle_of(made_home.warehouse.relative_to(made_home.root), tmp_path / "b.zip", seen_as=seen_as)
        database = read(bundle)["databases/Trainyard.yaml"]
        assert database["sqlalchemy_uri"] == f"duckdb:///{expected}"
        assert database["extra"]["engine_params"]["connect_args"] == CONNECT_ARGS


def test_what_is_no_warehouse_is_refused(made_home, tmp_path):
    (tmp_path / "warehouse.duckdb").write_text("no database")
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    for name in ("missing.duckdb", "warehouse.duckdb", "empty.duckdb"):
        with pytest.raises(SystemExit, match="is no published warehouse"):
            write_bundle(tmp_path / name, tmp_path / "bundle.zip")
    shutil.copy(made_home.warehouse, tmp_path / "what?.duckdb")
    with pytest.raises(SystemExit, match="question mark"):
        write_bundle(tmp_path / "what?.duckdb", tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()
