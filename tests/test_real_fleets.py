"""Real fleets through the whole of Trainyard: simulated, harvested (or imported), modelled, published, and right.

The fleets, and the answers computed for them without a database, stand beside the project, not in it: where they are
absent these tests are skipped.
"""

import datetime as dt
import gzip
import json
import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fleet, Simulator
from tests.main_job import CREDENTIALS, build_directly, lake, published, trainyard
from tests.oracle.expected import check_final_statuses, check_reliability, check_tuning

FLEETS = Path(os.environ.get("TRAINYARD_FLEETS", Path(__file__).parents[2] / "shared" / "fleets"))
NAMES = ("fgd2023", "eagle")

pytestmark = pytest.mark.skipif(not FLEETS.is_dir(), reason="the fleets are not here")


# The answers count the GPUs of the nodes in the original log. Eagle's had 2; ml.g4dn.12xlarge, which stands for them in
# the documents, has 4.
GPUS_OF_TYPE_A_GPU_OF_LOG = {"fgd2023": 1, "eagle": 2}


@pytest.fixture(scope="module", params=NAMES)
def fleet(request):
    expected = json.loads((FLEETS / "expected.json").read_text())[request.param]
    factor = GPUS_OF_TYPE_A_GPU_OF_LOG[request.param]
    for measure in ("gpu_hours_by_status", "gpu_hours_by_day"):
        expected[measure] = {key: hours * factor for key, hours in expected[measure].items()}
    expected["gpu_hours_total"] *= factor
    week = expected["concurrency_week"]
    week["gpus"] = [[hour, peak * factor, mean * factor] for hour, peak, mean in week["gpus"]]
    expected["overall_peak"]["gpus"]["peak"] *= factor
    return FLEETS / f"{request.param}.ndjson.gz", expected


def same(found, expected):
    assert found == pytest.approx(expected, rel=1e-9)


def sums(rows, key, column):
    totals = defaultdict(float)
    for row in rows:
        totals[key(row)] += row[column] or 0
    return dict(totals)


def check(marts, expected):
    """What is counted over all jobs, or over those that ended."""
    jobs = marts["fct_training_jobs"]
    ended = [job for job in jobs if job["is_ended"] and job["is_started"]]
    assert len(jobs) == expected["total_jobs"]
    assert sum(job["is_started"] for job in jobs) == expected["started_jobs"]
    assert sum(job["is_never_started"] for job in jobs) == expected["never_started_jobs"]
    assert sum(job["is_open"] for job in jobs) == expected["open_jobs"]
    assert Counter(job["training_job_status"] for job in jobs) == expected["status_counts_all"]
    assert Counter(job["training_job_status"] for job in ended) == expected["status_counts_started_and_ended"]
    same(sums(ended, lambda job: job["training_job_status"], "instance_hours"), expected["instance_hours_by_status"])
    same(sums(ended, lambda job: job["training_job_status"], "gpu_hours"), expected["gpu_hours_by_status"])
    assert sum(job["run_seconds"] for job in ended) == expected["run_seconds"]["sum"]
    assert sum(row["seconds"] for row in marts["secondary_status_time"]) == sum(job["lifetime_seconds"] for job in jobs)

    check_final_statuses(marts["final_status_shares"], expected)
    (rates,) = marts["failure_rates"]
    check_rates(rates, expected["failure_rate"])
    same(rates["failure_rate_strict"], expected["failure_rate"]["rate_strict"])
    assert rates["submitted_jobs"] == expected["total_jobs"]
    months = defaultdict(Counter)
    for row in marts["failure_rates_monthly"]:
        months[f"{row['date']:%Y-%m}"].update(
            ended=row["started_and_ended_jobs"],
            failed=round((row["failure_rate"] or 0) * row["started_and_ended_jobs"]),
        )
    ended_months = {month: dict(counts) for month, counts in months.items() if counts["ended"]}
    assert ended_months == {
        month: {"ended": rate["ended"], "failed": rate["failed"]}
        for month, rate in expected["failure_rate_by_end_month"].items()
    }

    (wait,) = marts["queue_wait"]
    waits = expected["queue_wait_seconds"]
    assert wait["started_jobs"] == waits["n"]
    same(wait["mean_seconds"], waits["mean"])
    same([wait["p50_seconds"], wait["p90_seconds"], wait["p99_seconds"]], [waits[q] for q in ("median", "p90", "p99")])
    kaplan_meier = expected["queue_wait_kaplan_meier"]
    assert (wait["km_p50_seconds"], wait["km_p90_seconds"]) == (kaplan_meier["median"], kaplan_meier["p90"])
    assert wait["abandoned_seconds"] == expected["abandoned_queue_seconds"]

    visits = [visit for visit in marts["fct_secondary_status_visits"] if not visit["is_open"]]
    check_reliability(marts, expected)
    check_tuning(marts["tuning_jobs"], expected)
    seconds = sums(visits, lambda visit: visit["secondary_status"], "duration_seconds")
    assert seconds["Pending"] == expected["seconds_in_secondary_status"]["Pending"]
    assert seconds["Training"] == expected["seconds_in_secondary_status"]["Training_closed"]


def check_rates(row, expected):
    assert row["started_and_ended_jobs"] == expected["ended"]
    same(row["failure_rate"], expected["rate"])
    same(
        [row["failure_rate_low"] + 1, row["failure_rate_high"]], [expected["wilson95"][0] + 1, expected["wilson95"][1]]
    )


def check_over_time(marts, expected):
    """What is told by day and hour, for a fleet without its open jobs: the answers leave them out."""
    for measure in ("instance_hours", "gpu_hours"):
        by_day = sums(marts["utilization_daily"], lambda row: f"{row['date']:%Y-%m-%d}", measure)
        wanted = {day: hours for day, hours in expected[f"{measure}_by_day"].items() if hours}
        same({day: hours for day, hours in by_day.items() if hours}, wanted)
        same(sum(row[measure] for row in marts["fleet_utilization_hourly"]), expected[f"{measure}_total"])
    hours = {row["hour"]: row for row in marts["fleet_utilization_hourly"]}
    for measure in ("jobs", "instances", "gpus"):
        for text, peak, mean in expected["concurrency_week"][measure]:
            hour = hours.get(dt.datetime.fromisoformat(text).replace(tzinfo=None))
            found = (hour[f"peak_{measure}"], hour[f"mean_{measure}"]) if hour else (0, 0)
            assert (found[0] or 0, found[1] or 0) == (peak, pytest.approx(mean, abs=1.1e-6)), (measure, text)
        assert max(row[f"peak_{measure}"] or 0 for row in hours.values()) == expected["overall_peak"][measure]["peak"]


def test_a_harvested_fleet_has_the_expected_marts_and_an_imported_one_is_the_same(fleet, tmp_path):
    path, expected = fleet
    harvested, imported = Home(tmp_path / "harvested" / "home"), Home(tmp_path / "imported" / "home")
    for home in (harvested, imported):
        home.root.parent.mkdir()
    with Simulator(Fleet.load(path)) as simulator:
        trainyard("run", home=harvested.root, AWS_ENDPOINT_URL_SAGEMAKER=simulator.url, **CREDENTIALS)
    check(published(harvested.warehouse), expected)
    trainyard("import", str(path), home=imported.root)
    load(imported)
    assert told(imported) == told(harvested)


def told(home):
    """What a lake tells of jobs, but for who told it, and when."""
    by_whom = {"source", "observed_at"}
    return {
        table: Counter(tuple(cell for name, cell in row.items() if name not in by_whom) for row in rows)
        for table, rows in lake(home).items()
    }


def test_a_fleet_without_its_open_jobs_has_the_expected_days_and_hours(fleet, tmp_path):
    path, expected = fleet
    home, ended = Home(tmp_path / "home"), tmp_path / "ended.ndjson"
    statuses = (b'"TrainingJobStatus":"Completed"', b'"TrainingJobStatus":"Failed"', b'"TrainingJobStatus":"Stopped"')
    with gzip.open(path) as lines, ended.open("wb") as file:
        file.writelines(line for line in lines if any(status in line for status in statuses))
    trainyard("import", str(ended), home=home.root)
    check_over_time(build_directly(home), expected)
