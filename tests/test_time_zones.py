"""The setting `time_zone` moves days, months, hours and weekdays, and nothing else: no instant, no total."""

import datetime as dt
import gzip
import json
import shutil
from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from tests.main_job import build_directly, published
from tests.oracle import GRAINS, MARTS
from tests.oracle.instance_types import GPUS
from tests.oracle.jobs import jobs_of, newest_instant
from tests.test_marts import differences
from tests.test_real_fleets import FLEETS

NEW_YORK = "America/New_York"
# They tell no days, but instants.
INSTANTS = {
    *("fct_training_jobs", "fct_secondary_status_visits", "fct_retry_chains", "failure_fingerprints"),
    *("tuning_jobs", "fct_final_metrics", "freshness", "stuck_jobs"),
    *("fct_hardware_utilization", "idle_gpu_hours", "idle_gpu_jobs", "right_sizing_candidates", "host_skew"),
}
# These tell when and how they were built.
OF_THE_BUILD = {"build_info"}


def built(home, documents, as_of, time_zone="UTC"):
    archive = RawArchive(home.raw)
    archive.append("here", [Observation(float(as_of), json.dumps(document).encode()) for document in documents])
    return build_directly(home, time_zone)


def shifted(value, by, member=""):
    """A document whose instants are all ``by`` seconds later."""
    if isinstance(value, dict):
        return {name: shifted(below, by, name) for name, below in value.items()}
    if isinstance(value, list):
        return [shifted(below, by) for below in value]
    return value + by if member.endswith("Time") and isinstance(value, int | float) else value


def test_a_year_on_clocks_half_an_hour_off(made_home, made_documents, made_reference, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(made_home.root, home.root)
    marts = build_directly(home, "Asia/Kolkata")
    assert marts["build_info"][0]["time_zone"] == "Asia/Kolkata"
    # Those clocks are always 5:30 ahead: a fleet that lived so much later, told in UTC, has the same days.
    ahead = 5.5 * 3600
    as_of = max(map(newest_instant, made_documents)) + ahead
    documents = [shifted(document, ahead) for document in made_documents]
    jobs = jobs_of(documents, as_of, GPUS)
    for mart in MARTS.keys() - INSTANTS:
        found = differences(marts[mart], MARTS[mart](jobs, made_reference), GRAINS[mart])
        assert not found, (mart, found[:5])
    utc = published(made_home.warehouse)
    for mart in INSTANTS:
        assert not differences(marts[mart], utc[mart], GRAINS[mart]), mart


def instant(*local):
    """Epoch seconds of a time in New York."""
    return dt.datetime(*local, tzinfo=ZoneInfo(NEW_YORK)).timestamp()


def test_days_on_which_clocks_are_put_forward_and_back(tmp_path):
    runs = [((2024, 3, 9, 12), (2024, 3, 11, 12)), ((2024, 11, 2, 12), (2024, 11, 4, 12))]
    documents = [
        {
            "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:012345678901:training-job/{number}",
            "TrainingJobName": str(number),
            "TrainingJobStatus": "Completed",
            "CreationTime": instant(*start),
            "TrainingStartTime": instant(*start),
            "TrainingEndTime": instant(*end),
            "BillableTimeInSeconds": int(instant(*end) - instant(*start)),
            "ResourceConfig": {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 1},
        }
        for number, (start, end) in enumerate(runs)
    ]
    marts = built(Home(tmp_path), documents, instant(2024, 11, 5), NEW_YORK)
    used = {row["date"]: row["instance_hours"] for row in marts["utilization_daily"]}
    assert used == pytest.approx(
        {
            dt.date(2024, 3, 9): 12,
            dt.date(2024, 3, 10): 23,
            dt.date(2024, 3, 11): 12,
            dt.date(2024, 11, 2): 12,
            dt.date(2024, 11, 3): 25,
            dt.date(2024, 11, 4): 12,
        }
    )
    assert used == {row["date"]: row["billable_instance_hours"] for row in marts["utilization_daily"]}
    training = [row for row in marts["secondary_status_time_daily"] if row["secondary_status"] == "Training"]
    assert used == {row["date"]: row["seconds"] / 3600 for row in training}
    hours = {
        row["hour"]: (row["mean_jobs"], row["p95_jobs"], row["instance_hours"]) for row in marts["utilization_hourly"]
    }
    assert len(hours) == 47 + 48
    assert hours[dt.datetime(2024, 3, 10, 1)] == (1, 1, 1)
    assert dt.datetime(2024, 3, 10, 2) not in hours
    assert hours[dt.datetime(2024, 11, 3, 1)] == (1, 1, 2)
    # A job runs in every hour that they show.
    fleet = {row["hour"]: row["instance_hours"] for row in marts["fleet_utilization_hourly"]}
    assert sum(fleet.values()) == 12 + 23 + 12 + 12 + 25 + 12
    assert fleet[dt.datetime(2024, 11, 3, 1)] == 2


@pytest.mark.skipif(not FLEETS.is_dir(), reason="the fleets are not here")
def test_a_real_fleet_moves_to_new_york_and_back(tmp_path):
    with gzip.open(FLEETS / "fgd2023.ndjson.gz") as lines:
        documents = [json.loads(line) for line in lines]
    home = Home(tmp_path)
    utc = built(home, documents, max(map(newest_instant, documents)))
    new_york = build_directly(home, NEW_YORK)
    jobs = utc["fct_training_jobs"]
    ended = [job for job in jobs if job["is_ended"]]
    for zone, marts in (("UTC", utc), (NEW_YORK, new_york)):
        submitted = Counter(date_in(zone, job["creation_time"]) for job in jobs)
        failed = Counter(date_in(zone, job["life_end_at"]) for job in ended if job["training_job_status"] == "Failed")
        assert by_date(marts["failure_rates_daily"], "submitted_jobs") == submitted
        assert by_date(marts["failure_rates_daily"], "failed_jobs") == failed
        months = Counter()
        for date, count in failed.items():
            months[date.replace(day=1)] += count
        assert by_date(marts["failure_rates_monthly"], "failed_jobs") == months
    # The move is felt, but adds and loses nothing.
    assert by_date(utc["failure_rates_daily"], "failed_jobs") != by_date(new_york["failure_rates_daily"], "failed_jobs")
    for mart, measure in (("utilization_daily", "gpu_hours"), ("utilization_hourly", "gpu_hours")):
        there, here = (sum(row[measure] or 0 for row in marts[mart]) for marts in (new_york, utc))
        assert there == pytest.approx(here, rel=1e-9)
    again = build_directly(home, "UTC")
    for mart in utc.keys() - OF_THE_BUILD:
        assert rows_of(again[mart]) == rows_of(utc[mart]), mart


def date_in(zone, naive):
    return naive.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date()


def by_date(rows, column):
    totals = defaultdict(int)
    for row in rows:
        totals[row["date"]] += row[column]
    return {date: total for date, total in totals.items() if total}


def rows_of(rows):
    return Counter(tuple(row.values()) for row in rows)
