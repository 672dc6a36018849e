"""What adds up is the same by hour, day, month, attempt, size or status, and in all: no answer hangs on the bucket."""

from collections import Counter
from fractions import Fraction

import pytest

from tests.main_job import published

DIMENSIONS = ("account_id", "region", "instance_type", "is_spot")
JOBS = ("submitted_jobs", "completed_jobs", "failed_jobs", "stopped_jobs", "started_and_ended_jobs")

COST_MARTS = (
    "list_costs_daily",
    "list_costs_monthly",
    "list_costs_by_team_and_status_daily",
    "fct_training_job_costs",
)

# What is counted or summed: the marts that tell it, each with its measure there.
TOTALS = {
    "submitted jobs": [
        ("fleet_totals", "submitted_jobs"),
        ("fleet_totals_daily", "submitted_jobs"),
        ("failure_rates", "submitted_jobs"),
        ("failure_rates_daily", "submitted_jobs"),
        ("failure_rates_monthly", "submitted_jobs"),
        ("utilization_daily", "submitted_jobs"),
        ("arrivals", "submitted_jobs"),
        ("job_sizes", "jobs"),
    ],
    "started jobs": [
        ("fleet_totals", "started_jobs"),
        ("fleet_totals_daily", "started_jobs"),
        ("utilization_daily", "started_jobs"),
        ("queue_wait", "started_jobs"),
        ("queue_wait_monthly", "started_jobs"),
    ],
    "ended jobs": [
        ("fleet_totals", "ended_jobs"),
        ("fleet_totals_daily", "ended_jobs"),
        ("utilization_daily", "ended_jobs"),
        ("final_status_shares", "jobs"),
    ],
    "failed jobs": [
        *((f"failure_rates{bucket}", "failed_jobs") for bucket in ("", "_daily", "_monthly")),
        ("fleet_totals_daily", "failed_jobs"),
    ],
    "completed jobs": [
        *((f"failure_rates{bucket}", "completed_jobs") for bucket in ("", "_daily", "_monthly")),
        ("fleet_totals_daily", "completed_jobs"),
    ],
    "stopped jobs": [
        *((f"failure_rates{bucket}", "stopped_jobs") for bucket in ("", "_daily", "_monthly")),
        ("fleet_totals_daily", "stopped_jobs"),
    ],
    "started and ended jobs": [
        *((f"failure_rates{bucket}", "started_and_ended_jobs") for bucket in ("", "_daily", "_monthly")),
        ("final_status_shares", "started_jobs"),
    ],
    "ended runs": [("run_time", "ended_runs"), ("run_time_by_instance_type", "ended_runs"), ("slowdown", "jobs")],
    "never started jobs": [("queue_wait", "never_started_jobs"), ("queue_wait_monthly", "never_started_jobs")],
    "abandoned seconds": [("queue_wait", "abandoned_seconds"), ("queue_wait_monthly", "abandoned_seconds")],
    "instance-hours": [
        ("fct_training_jobs", "instance_hours"),
        ("fleet_totals", "instance_hours"),
        ("fleet_totals_daily", "instance_hours"),
        ("utilization_hourly", "instance_hours"),
        ("fleet_utilization_hourly", "instance_hours"),
        ("utilization_daily", "instance_hours"),
        ("instance_type_utilization_daily", "instance_hours"),
        ("job_sizes", "instance_hours"),
    ],
    "GPU-hours": [
        ("fct_training_jobs", "gpu_hours"),
        ("fleet_totals", "gpu_hours"),
        ("fleet_totals_daily", "gpu_hours"),
        ("utilization_hourly", "gpu_hours"),
        ("fleet_utilization_hourly", "gpu_hours"),
        ("utilization_daily", "gpu_hours"),
        ("job_sizes", "gpu_hours"),
    ],
    "billed instance-hours": [
        ("fct_training_jobs", "billable_instance_hours"),
        ("fleet_totals", "billable_instance_hours"),
        ("fleet_totals_daily", "billable_instance_hours"),
        ("utilization_daily", "billable_instance_hours"),
    ],
    "billed instance-hours of all lines": [(mart, "billed_instance_hours") for mart in COST_MARTS],
    "hours of known price": [(mart, "priced_instance_hours") for mart in COST_MARTS],
    "list cost": [(mart, "list_cost") for mart in (*COST_MARTS, "fleet_totals_daily")],
    "seconds of life": [
        ("fct_training_jobs", "lifetime_seconds"),
        ("fct_secondary_status_visits", "duration_seconds"),
        ("secondary_status_time", "seconds"),
        ("secondary_status_time_by_attempt", "seconds"),
        ("secondary_status_time_daily", "seconds"),
    ],
    "visits": [
        ("secondary_status_time", "visits"),
        ("secondary_status_time_by_attempt", "visits"),
        ("secondary_status_time_daily", "visits"),
    ],
}


@pytest.fixture(scope="module")
def marts(made_home):
    return published(made_home.warehouse)


@pytest.mark.parametrize("measure", TOTALS)
def test_all_who_tell_it_tell_the_same_total(measure, marts):
    totals = {mart: sum(exact(row[column]) for row in marts[mart]) for mart, column in TOTALS[measure]}
    first = totals[TOTALS[measure][0][0]]
    assert first > 0
    assert {mart: float(total) for mart, total in totals.items()} == pytest.approx(dict.fromkeys(totals, float(first)))


@pytest.mark.parametrize("measure", JOBS)
def test_a_month_is_the_sum_of_its_days(measure, marts):
    days = by(marts["failure_rates_daily"], measure, "date", *DIMENSIONS)
    assert months(days) == by(marts["failure_rates_monthly"], measure, "date", *DIMENSIONS)


def test_the_costs_of_a_month_are_those_of_its_days(marts):
    key = ("date", "account_id", "region", "is_prepaid", "line")
    for measure in ("billed_instance_hours", "priced_instance_hours", "list_cost"):
        same(months(by(marts["list_costs_daily"], measure, *key)), by(marts["list_costs_monthly"], measure, *key))


def test_teams_and_ends_share_the_costs_of_each_day(marts):
    key = ("date", "account_id", "region", "is_prepaid", "line")
    for measure in ("billed_instance_hours", "priced_instance_hours", "list_cost"):
        of_teams = by(marts["list_costs_by_team_and_status_daily"], measure, *key)
        same(of_teams, by(marts["list_costs_daily"], measure, *key))


def test_the_costs_of_jobs_are_those_of_their_ends(marts):
    ends = {job["training_job_arn"]: job for job in marts["fct_training_jobs"]}
    costs = [ends[row["training_job_arn"]] | row for row in marts["fct_training_job_costs"]]
    key = ("training_job_status", "failure_class", "account_id")
    for measure in ("billed_instance_hours", "list_cost"):
        same(by(costs, measure, *key), by(marts["list_costs_by_team_and_status_daily"], measure, *key))


def test_a_jobs_cost_is_its_seconds_times_its_price(marts, made_home):
    prices = {
        (row["instance_type"], row["region"], row["is_spot"], row["valid_from"]): row["price_per_hour"]
        for row in published(made_home.warehouse, "reference")["prices"]
    }
    costs = [row for row in marts["fct_training_job_costs"] if row["list_cost"]]
    assert len({row["price_valid_from"] for row in costs}) > 1
    for row in costs:
        price = prices[row["instance_type"], row["region"], row["price_is_spot"], row["price_valid_from"]]
        assert row["list_cost"] == pytest.approx(row["billed_seconds"] / 3600 * row["instance_count"] * price)


def test_time_at_quota_by_hour_is_that_by_day(marts):
    key = ("account_id", "region", "instance_type", "is_spot", "kind")
    days, hours = marts["quota_utilization_daily"], marts["quota_utilization_hourly"]
    assert any(row["seconds_at_quota"] for row in days if not row["quota_instances"])
    same(by(hours, "seconds_at_quota", *key), by(days, "seconds_at_quota", *key))


def test_the_hours_of_a_day_are_those_of_its_hours(marts):
    for measure in ("instance_hours", "gpu_hours"):
        hours = by(marts["utilization_hourly"], measure, "hour", *DIMENSIONS)
        days = Counter()
        for (hour, *dimensions), amount in hours.items():
            days[(hour.date(), *dimensions)] += amount
        same(
            {key: amount for key, amount in days.items() if amount},
            by(marts["utilization_daily"], measure, "date", *DIMENSIONS),
        )


def test_the_fleet_is_the_sum_of_its_dimensions(marts):
    for measure in ("mean_jobs", "mean_instances", "mean_gpus", "active_jobs"):
        same(by(marts["utilization_hourly"], measure, "hour"), by(marts["fleet_utilization_hourly"], measure, "hour"))


def test_levels_last_as_long_as_what_they_count(marts):
    for measure, total in (("instances", "instance_hours"), ("gpus", "gpu_hours")):
        (wanted,) = (row[total] for row in marts["fleet_totals"])
        for mart in ("concurrency_levels", "fleet_concurrency_levels"):
            levels = [row for row in marts[mart] if row["measure"] == measure]
            assert sum(row["level"] * row["seconds"] for row in levels) / 3600 == pytest.approx(wanted)


@pytest.mark.parametrize("kind", ["role", "team", "program"])
def test_owners_of_a_kind_use_all_there_is(kind, marts):
    (whole,) = marts["fleet_totals"]
    for measure, total in (
        ("jobs", "submitted_jobs"),
        ("instance_hours", "instance_hours"),
        ("gpu_hours", "gpu_hours"),
    ):
        owned = sum(exact(row[measure]) for row in marts["instance_hours_by_owner"] if row["owner_kind"] == kind)
        assert float(owned) == pytest.approx(whole[total])


def exact(value):
    return Fraction(value or 0)


def by(rows, measure, *key):
    """The sums of a measure by the values of these columns; without those that are 0."""
    sums = Counter()
    for row in rows:
        sums[tuple(row[column] for column in key)] += exact(row[measure])
    return {values: amount for values, amount in sums.items() if amount}


def months(days):
    sums = Counter()
    for (date, *rest), amount in days.items():
        sums[(date.replace(day=1), *rest)] += amount
    return dict(sums)


def same(found, wanted):
    assert wanted
    assert {key: float(amount) for key, amount in found.items()} == pytest.approx(
        {key: float(amount) for key, amount in wanted.items()}
    )
