"""What no record tells is neither free nor unused: a small fleet through the models, and its marts written by hand."""

import json
from datetime import date, datetime

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from tests.main_job import build_directly
from tests.oracle.statistics import wilson
from tests.reference_data import write_reference
from tests.test_oracle import DAY, HOUR, MIDNIGHT, job, ran, waited

# One account is looked at until the seventh day; of another the last look was half past noon of the first.
WATCHED, LOST, EMPTY, FLAWED = "012345678901", "111122223333", "222233334444", "333344445555"
LAST_LOOKS = {WATCHED: 6 * DAY, LOST: 12 * HOUR + HOUR // 2, FLAWED: 13 * HOUR}

WATCHED_JOBS = [
    ran(DAY - HOUR, DAY + HOUR, name="spot", EnableManagedSpotTraining=True, BillableTimeInSeconds=2 * HOUR),
    ran(DAY, DAY + HOUR, name="on-demand", BillableTimeInSeconds=HOUR),
    ran(DAY, DAY + HOUR, name="spot-priced", BillableTimeInSeconds=HOUR, instance_type="ml.g4dn.xlarge"),
    # Of a day's two jobs one has a bill; the next day none has, though another was created; then nothing runs.
    ran(2 * DAY, 2 * DAY + HOUR, name="billed", BillableTimeInSeconds=HOUR // 2, instance_type="ml.m5.large"),
    ran(2 * DAY, 2 * DAY + HOUR, name="unbilled", instance_type="ml.m5.large"),
    ran(3 * DAY, 3 * DAY + HOUR, created=-HOUR, name="of-last-month", instance_type="ml.c5.large"),
    waited(9, created=3 * DAY, name="waited", instance_type="ml.c5.large"),
    waited(9, created=4 * DAY, name="waited-later", instance_type="ml.c5.large"),
]
LOST_JOBS = [job(created=12 * HOUR, name="open", status="InProgress", TrainingStartTime=12 * HOUR)]
FLAWED_JOBS = [
    job(created=12 * HOUR, name="completed"),
    job(created=12 * HOUR, name="stopped", status="Stopped", SecondaryStatus="Stopped"),
    job(created=12 * HOUR, name="brewing", status="InProgress", SecondaryStatus="Brewing"),
    {"TrainingJobName": "of no account"},
]


def price(instance_type, is_spot, since, per_hour):
    key = {"instance_type": instance_type, "region": "eu-west-1", "is_spot": is_spot}
    return key | {"valid_from": since, "price_per_hour": per_hour}


REFERENCE = {
    "prices": [
        price("ml.p3.8xlarge", False, date(2023, 1, 1), 10),
        price("ml.p3.8xlarge", True, date(2024, 1, 2), 4),
        price("ml.p3.8xlarge", False, date(2024, 1, 2), 12),
        price("ml.g4dn.xlarge", True, date(2023, 1, 1), 1),
    ],
    "quotas": [
        {"account_id": account_id, "region": "eu-west-1", "instance_type": "ml.p3.8xlarge", "is_spot": False}
        | {"valid_from": date(2024, 1, 1), "instances": 1}
        for account_id in (WATCHED, LOST)
    ]
    + [
        {"account_id": WATCHED, "region": "eu-west-1", "instance_type": "ml.c5.large", "is_spot": False}
        | {"valid_from": since, "instances": instances}
        for since, instances in ((date(2024, 1, 4), 0), (date(2024, 1, 6), None))
    ],
    "capacities": [
        {"account_id": account_id, "region": "eu-west-1", "instance_type": "ml.p3.8xlarge"}
        | {"valid_from": date(2024, 1, 1), "valid_until": None, "instances": 2}
        for account_id in (LOST, EMPTY)
    ]
    + [
        {"account_id": WATCHED, "region": "eu-west-1", "instance_type": "ml.p3.8xlarge"}
        | {"valid_from": since, "valid_until": until, "instances": 1}
        for since, until in ((date(1970, 1, 1), date(2017, 12, 1)), (date(2023, 12, 30), date(2024, 1, 1)))
    ],
}


@pytest.fixture(scope="module")
def marts(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("unknown"))
    write_reference(REFERENCE, home.root / "reference")
    archive = RawArchive(home.raw)
    for account_id, documents in ((WATCHED, WATCHED_JOBS), (LOST, LOST_JOBS), (FLAWED, FLAWED_JOBS)):
        bodies = [json.dumps(document).replace(WATCHED, account_id).encode() for document in documents]
        seen_at = float(MIDNIGHT + LAST_LOOKS[account_id])
        archive.append(account_id, [Observation(seen_at, body) for body in bodies])
    return build_directly(home)


def told(rows, names, **wanted):
    alike = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return sorted((tuple(row[name] for name in names.split()) for row in alike), key=repr)


def test_a_spot_job_costs_the_on_demand_price_where_there_is_none_of_spot(marts):
    names = "price_is_spot price_valid_from price_per_hour billed_seconds list_cost"
    assert told(marts["fct_training_job_costs"], names, is_spot=True) == [
        (False, date(2023, 1, 1), 10, HOUR, 10),
        (True, date(2024, 1, 2), 4, HOUR, 4),
    ]
    names = "date price_per_hour priced_instance_hours list_cost"
    assert told(marts["list_costs_daily"], names, is_spot=True) == [
        (date(2024, 1, 1), 10, 1, 10),
        (date(2024, 1, 2), 4, 1, 4),
    ]


def test_a_job_on_demand_never_costs_a_price_of_spot(marts):
    names = "price_is_spot price_valid_from list_cost"
    costs = marts["fct_training_job_costs"]
    assert told(costs, names, instance_type="ml.p3.8xlarge", is_spot=False, account_id=WATCHED) == [
        (False, date(2024, 1, 2), 12)
    ]
    assert told(costs, names, instance_type="ml.g4dn.xlarge") == [(None, None, None)]


def test_hours_without_a_bill_are_not_billed_as_none(marts):
    names = "date instance_hours billable_instance_hours"
    daily = marts["utilization_daily"]
    assert told(daily, names, instance_type="ml.m5.large") == [(date(2024, 1, 3), 2, 0.5)]
    of_type = told(daily, names, instance_type="ml.c5.large")
    assert [row for row in of_type if row[0] > date(2024, 1, 3)] == [
        (date(2024, 1, 4), 1, None),
        (date(2024, 1, 5), 0, 0),
    ]
    fleet = told(marts["fleet_totals_daily"], names)
    assert fleet[-5:] == [
        (date(2024, 1, 3), 2, 0.5),
        (date(2024, 1, 4), 1, None),
        (date(2024, 1, 5), 0, 0),
        (date(2024, 1, 6), 0, 0),
        (date(2024, 1, 7), 0, 0),
    ]


def test_capacity_is_not_unused_after_its_account_was_last_seen(marts):
    names = "date capacity_instance_hours instance_hours utilization"
    capacity = marts["capacity_utilization_daily"]
    assert told(capacity, names, account_id=LOST) == [(date(2024, 1, 1), 25, 0.5, 0.02)]
    # Where there are no jobs at all, none were used for as long as anything was looked at.
    assert told(capacity, names, account_id=EMPTY) == [(date(2024, 1, day), 48, 0, 0) for day in range(1, 7)]


def test_capacity_is_unused_before_there_was_any_job_but_not_before_sagemaker_was(marts):
    names = "date capacity_instance_hours instance_hours"
    assert told(marts["capacity_utilization_daily"], names, account_id=WATCHED) == [
        *((day, 24, 0) for day in (date(2017, 11, 29), date(2017, 11, 30), date(2023, 12, 30))),
        # On which the first job was created.
        (date(2023, 12, 31), 24, 0),
    ]


def test_a_quota_of_nothing_is_used_up_at_any_time_hour_by_hour_too(marts):
    days, hours = (
        [row for row in marts[f"quota_utilization_{bucket}"] if row["instance_type"] == "ml.c5.large"]
        for bucket in ("daily", "hourly")
    )
    assert told(days, "date seconds seconds_at_quota") == [(date(2024, 1, 4), DAY, DAY), (date(2024, 1, 5), DAY, DAY)]
    assert {(row["seconds"], row["seconds_at_quota"]) for row in hours} == {(HOUR, HOUR)}
    assert len(hours) == 48
    # Of the hour in which a job ran, and the others.
    assert [row["peak_instances"] for row in sorted(hours, key=lambda row: row["hour"])] == [1] + [0] * 47


def test_a_quota_is_not_unused_after_its_account_was_last_seen(marts):
    names = "date peak_instances mean_utilization seconds seconds_at_quota"
    daily = marts["quota_utilization_daily"]
    assert told(daily, names, account_id=LOST) == [(date(2024, 1, 1), 1, 0.04, 12.5 * HOUR, HOUR // 2)]
    of_watched = told(daily, names, account_id=WATCHED, instance_type="ml.p3.8xlarge")
    assert [row[3] for row in of_watched] == [DAY] * 6
    names = "hour mean_utilization seconds seconds_at_quota"
    hourly = marts["quota_utilization_hourly"]
    assert told(hourly, names, account_id=LOST) == [(datetime(2024, 1, 1, 12), 1, HOUR // 2, HOUR // 2)]


def test_flaws_are_of_the_jobs_that_could_have_them(marts):
    quality = marts["data_quality"]
    names = "examined_jobs flawed_jobs flawed_share"
    # A job that completed has run, whatever it tells; one that was stopped may not have.
    assert told(quality, names, account_id=FLAWED, flaw="no_start_time") == [(1, 1, 1)]
    assert told(quality, names, account_id=FLAWED, flaw="no_end_time") == [(1, 1, 1)]
    # That a status is not told makes it no unknown one.
    assert told(quality, names, account_id=FLAWED, flaw="unknown_status") == [(3, 1, 1 / 3)]


def test_documents_in_quarantine_are_a_share_of_them_and_the_jobs(marts):
    names = "jobs documents_quarantined jobs_and_documents_quarantined quarantined_share"
    assert told(marts["build_info"], names) == [(12, 1, 13, 1 / 13)]
    ends = told(marts["build_info"], "quarantined_share_low quarantined_share_high is_small_sample")
    assert ends == [(*(pytest.approx(end) for end in wilson(1, 13)), True)]
