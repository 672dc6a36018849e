"""What adds up is the same by hour, day, month, attempt, size or status, and in all: no answer hangs on the bucket."""

import re
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from math import fsum

import duckdb
import pytest

from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from tests.main_job import published
from tests.oracle.intervals import HOUR, SECOND

DIMENSIONS = ("account_id", "region", "instance_type", "is_spot")
JOBS = (
    *("submitted_jobs", "completed_jobs", "failed_jobs", "stopped_jobs"),
    *("started_and_ended_jobs", "started_and_failed_jobs"),
)

# What some of the totals are of.
VIEWS = {
    "jobs": "from fct_training_jobs",
    "visits": "from fct_secondary_status_visits",
    "failed": "from fct_training_jobs where training_job_status = 'Failed'",
    "stopped": "from fct_training_jobs where training_job_status = 'Stopped'",
    "spot": "from fct_training_jobs where is_spot",
    # A job that a tuning job and an AutoML job have made is of both.
    "children": """
        from fct_training_jobs where tuning_job_arn is not null
        union all from fct_training_jobs where auto_ml_job_arn is not null""",
    "explained": """
        select *, date_diff('microsecond', life_end_at, max(observed_at) over ()) / 86400e6 as age_days
        from fct_training_jobs qualify failure_fingerprint is not null""",
    "limited": """
        select *, secondary_status = 'MaxRuntimeExceeded' or run_seconds >= max_runtime_in_seconds as is_at_limit
        from fct_training_jobs where run_seconds is not null and max_runtime_in_seconds > 0""",
    "compared": """
        from fct_training_jobs
        where is_spot and is_ended and training_time_in_seconds is not null and billable_instance_hours is not null""",
    "interrupted": """
        from fct_training_jobs semi join fct_secondary_status_visits as v
        on fct_training_jobs.training_job_arn = v.training_job_arn and v.secondary_status = 'Interrupted'""",
    "metrics": """
        select unnest([tuning_job_arn, experiment_name, algorithm]) as of_group
        from fct_final_metrics where isfinite(value)""",
    "measured": "from fct_hardware_utilization inner join fct_training_jobs using (training_job_arn)",
    "of_measured_teams": """
        from fct_training_jobs as j semi join idle_gpu_hours as i
        on j.instance_type = i.instance_type and j.team is not distinct from i.team and j.gpu_hours > 0""",
    "too_large": "from fct_training_jobs semi join right_sizing_candidates using (training_job_arn)",
    "of_capacity": """
        from instance_type_utilization_daily semi join capacity_utilization_daily
        using (date, account_id, region, instance_type)""",
}

# The lines of a paragraph tell the same total, each as "expression of mart, mart, … [where condition]".
TOTALS = """
submitted_jobs of fleet_totals, fleet_totals_daily, utilization_daily, arrivals
submitted_jobs of failure_rates, failure_rates_daily, failure_rates_monthly, failure_rates_by_cohort
mean_submitted_jobs * days of arrivals
jobs of job_sizes, fct_retry_chains, goodput_monthly, build_info
jobs of instance_hours_by_owner where owner_kind = 'role'
jobs of instance_hours_by_owner where owner_kind = 'team'
jobs of instance_hours_by_owner where owner_kind = 'program'
examined_jobs of data_quality where flaw = 'hole'
count(*) of jobs

started_jobs of fleet_totals, fleet_totals_daily, utilization_daily
started_jobs of queue_wait, queue_wait_monthly, queue_wait_by_instance_type
count(*) of jobs where is_started

ended_jobs of fleet_totals, fleet_totals_daily, utilization_daily
jobs of final_status_shares
count(*) of jobs where is_ended

open_jobs of build_info, failure_rates_by_cohort
count(*) of jobs where is_open

failed_jobs of failure_rates, failure_rates_daily, failure_rates_monthly, failure_rates_by_cohort
failed_jobs of fleet_totals_daily
jobs of failure_classes, failure_classes_monthly
jobs of final_status_shares where training_job_status = 'Failed'
examined_jobs of data_quality where flaw = 'unknown_failure_class'
count(*) of failed

completed_jobs of failure_rates, failure_rates_daily, failure_rates_monthly, failure_rates_by_cohort
completed_jobs of fleet_totals_daily
count(*) of jobs where training_job_status = 'Completed'

stopped_jobs of failure_rates, failure_rates_daily, failure_rates_monthly, failure_rates_by_cohort
stopped_jobs of fleet_totals_daily
jobs of stop_causes
count(*) of stopped

never_started_jobs of stop_causes
count(*) of stopped where is_never_started

started_and_ended_jobs of failure_rates, failure_rates_daily, failure_rates_monthly, failure_rates_by_cohort
started_jobs of final_status_shares
count(*) of jobs where is_started and is_ended

started_and_failed_jobs of failure_rates, failure_rates_daily, failure_rates_monthly, failure_rates_by_cohort
started_jobs of final_status_shares where training_job_status = 'Failed'
jobs of wasted_instance_hours where waste = 'failed_job'
count(*) of failed where is_started

flawed_jobs of data_quality where flaw = 'unknown_gpus'
jobs of job_sizes where size_bucket = 'unknown'
count(*) of jobs where gpu_count is null

jobs of job_size_quantiles where measure = 'gpus'
count(*) of jobs where gpu_count > 0

jobs of job_size_quantiles where measure = 'instances'
count(instance_count) of jobs

never_started_jobs of queue_wait, queue_wait_monthly, queue_wait_by_instance_type
count(*) of jobs where is_never_started

abandoned_seconds of queue_wait, queue_wait_monthly, queue_wait_by_instance_type
lifetime_seconds of jobs where is_never_started

queue_wait_seconds of fct_training_jobs
mean_seconds * started_jobs of queue_wait, queue_wait_monthly, queue_wait_by_instance_type

ended_runs of run_time, run_time_by_instance_type
jobs of slowdown
count(run_seconds) of jobs

open_runs of run_time, run_time_by_instance_type
count(*) of jobs where is_started and run_seconds is null

jobs - zero_length_jobs of slowdown
count(*) of jobs where run_seconds > 0

run_seconds of fct_training_jobs
mean_seconds * ended_runs of run_time, run_time_by_instance_type

instance_hours of fct_training_jobs, fleet_totals, fleet_totals_daily, utilization_hourly, utilization_daily
instance_hours of fleet_utilization_hourly, instance_type_utilization_daily, job_sizes
instance_hours of fct_retry_chains, goodput_monthly
instance_hours of instance_hours_by_owner where owner_kind = 'role'
instance_hours of instance_hours_by_owner where owner_kind = 'team'
instance_hours of instance_hours_by_owner where owner_kind = 'program'
hours of job_size_quantiles where measure = 'instances'
level * seconds / 3600 of concurrency_levels, fleet_concurrency_levels where measure = 'instances'
mart_total of reconciled_totals where mart = 'utilization_daily' and measure = 'instance_hours'
job_total of reconciled_totals where mart = 'utilization_daily' and measure = 'instance_hours'
node_days * 24 of failures_per_node_days where size_bucket = 'all' and failure_scope = 'all'
node_days * 24 of failures_per_node_days where size_bucket <> 'all' and failure_scope = 'infrastructure'

gpu_hours of fct_training_jobs, fleet_totals, fleet_totals_daily, utilization_hourly, utilization_daily
gpu_hours of fleet_utilization_hourly, instance_type_utilization_daily, job_sizes, fct_retry_chains
gpu_hours of instance_hours_by_owner where owner_kind = 'role'
gpu_hours of instance_hours_by_owner where owner_kind = 'team'
gpu_hours of instance_hours_by_owner where owner_kind = 'program'
hours of job_size_quantiles where measure = 'gpus'
level * seconds / 3600 of concurrency_levels, fleet_concurrency_levels where measure = 'gpus'

instance_hours of final_status_shares
ended_node_days * 24 of failures_per_node_days where size_bucket = 'all' and failure_scope = 'all'
ended_node_days * 24 of failures_per_node_days where size_bucket <> 'all' and failure_scope = 'infrastructure'
instance_hours of jobs where is_ended

open_node_days * 24 of failures_per_node_days where size_bucket = 'all' and failure_scope = 'all'
open_node_days * 24 of failures_per_node_days where size_bucket <> 'all' and failure_scope = 'infrastructure'
instance_hours of jobs where is_open

gpu_hours of final_status_shares
gpu_hours of jobs where is_ended

instance_hours of failure_classes, failure_classes_monthly
wasted_instance_hours of wasted_instance_hours where waste = 'failed_job'
instance_hours of failed

gpu_hours of failure_classes, failure_classes_monthly
wasted_gpu_hours of wasted_instance_hours where waste = 'failed_job'
gpu_hours of failed

instance_hours of stop_causes
wasted_instance_hours + user_stopped_instance_hours of wasted_instance_hours where waste = 'stopped_job'
instance_hours of stopped

gpu_hours of stop_causes
wasted_gpu_hours + user_stopped_gpu_hours of wasted_instance_hours where waste = 'stopped_job'
gpu_hours of stopped

user_stopped_instance_hours of wasted_instance_hours
instance_hours of stop_causes where stop_cause = 'user_or_api'

jobs of failure_fingerprints
count(*) of explained

jobs_last_7_days of failure_fingerprints
count(*) of explained where age_days < 7

jobs_previous_7_days of failure_fingerprints
count(*) of explained where age_days >= 7 and age_days < 14

jobs_last_28_days of failure_fingerprints
count(*) of explained where age_days < 28

jobs_previous_28_days of failure_fingerprints
count(*) of explained where age_days >= 28 and age_days < 56

instance_hours of failure_fingerprints
instance_hours of explained

gpu_hours of failure_fingerprints
gpu_hours of explained

started_jobs of failures_per_node_days where size_bucket = 'all' and failure_scope = 'all'
started_jobs of failures_per_node_days where size_bucket <> 'all' and failure_scope = 'infrastructure'
count(instance_count) of jobs where is_started

failures of failures_per_node_days where size_bucket = 'all' and failure_scope = 'all'
failures of failures_per_node_days where size_bucket <> 'all' and failure_scope = 'all'
count(instance_count) of failed where is_started

failures of failures_per_node_days where size_bucket = 'all' and failure_scope = 'infrastructure'
failures of failures_per_node_days where size_bucket <> 'all' and failure_scope = 'infrastructure'
count(instance_count) of failed where is_started and failure_actor = 'aws'

billable_instance_hours of fct_training_jobs, fleet_totals, fleet_totals_daily, utilization_daily
billable_seconds * instance_count / 3600 of fct_training_jobs
billed_instance_hours of list_costs_daily, list_costs_monthly where line = 'training'

warm_pool_billable_seconds * instance_count / 3600 of fct_training_jobs
billed_instance_hours of list_costs_daily, list_costs_monthly where line = 'warm_pool'

billed_instance_hours of list_costs_daily, list_costs_monthly, list_costs_by_team_and_status_daily
billed_instance_hours of fct_training_job_costs
billed_seconds * instance_count / 3600 of fct_training_job_costs

priced_instance_hours of list_costs_daily, list_costs_monthly, list_costs_by_team_and_status_daily
priced_instance_hours of fct_training_job_costs

list_cost of list_costs_daily, list_costs_monthly, list_costs_by_team_and_status_daily
list_cost of fct_training_job_costs, fleet_totals_daily

lifetime_seconds of fct_training_jobs
duration_seconds of fct_secondary_status_visits
seconds of secondary_status_time, secondary_status_time_by_attempt, secondary_status_time_daily
mean_seconds * jobs of secondary_status_time, secondary_status_time_by_attempt

instance_seconds of secondary_status_time_daily
lifetime_seconds * instance_count of jobs

visits of secondary_status_time, secondary_status_time_by_attempt, secondary_status_time_daily
count(*) of visits

jobs of secondary_status_time
count(distinct (training_job_arn, secondary_status)) of visits

jobs of secondary_status_time_by_attempt
count(distinct (training_job_arn, attempt, secondary_status)) of visits

jobs of queue_wait_by_attempt
attempts of fct_retry_chains
count(distinct (training_job_arn, attempt)) of visits

queued_jobs of queue_wait_by_attempt
count(distinct (training_job_arn, attempt)) of visits where phase = 'queue'

seconds of queue_wait_by_attempt
mean_seconds * queued_jobs of queue_wait_by_attempt
seconds of secondary_status_time, secondary_status_time_daily where phase = 'queue'
duration_seconds of visits where phase = 'queue'

chains of goodput_monthly
count(*) of fct_retry_chains

open_chains of goodput_monthly
count(*) of fct_retry_chains where is_open

completed_chains of goodput_monthly
count(*) of fct_retry_chains where training_job_status = 'Completed'

retried_chains of goodput_monthly
count(*) of fct_retry_chains where retries > 0

retries of fct_retry_chains, goodput_monthly

elapsed_seconds of fct_retry_chains, goodput_monthly

productive_seconds_low of fct_retry_chains, goodput_monthly

productive_seconds_high of fct_retry_chains, goodput_monthly
duration_seconds of visits where secondary_status = 'Training'

productive_instance_hours_low of fct_retry_chains, goodput_monthly

productive_instance_hours_high of fct_retry_chains, goodput_monthly
instance_seconds / 3600 of secondary_status_time_daily where secondary_status = 'Training'

jobs of limit_accuracy
count(*) of limited

at_limit_jobs of limit_accuracy
count(*) of limited where is_at_limit

under_tenth_jobs of limit_accuracy
count(*) of limited where not is_at_limit and run_seconds * 10 < max_runtime_in_seconds

jobs of tuning_jobs
count(*) of children

started_jobs of tuning_jobs
count(*) of children where is_started

completed_jobs of tuning_jobs
count(*) of children where training_job_status = 'Completed'

failed_jobs of tuning_jobs
count(*) of children where training_job_status = 'Failed'

stopped_jobs of tuning_jobs
count(*) of children where training_job_status = 'Stopped'

jobs - open_jobs of tuning_jobs
count(*) of children where is_ended

instance_hours of tuning_jobs
instance_hours of children

gpu_hours of tuning_jobs
gpu_hours of children

ended_jobs of spot_savings_monthly
count(*) of spot where is_ended

compared_jobs of spot_savings_monthly
count(*) of compared

trained_instance_hours of spot_savings_monthly
training_time_in_seconds * instance_count / 3600 of compared

billed_instance_hours of spot_savings_monthly
billable_instance_hours of compared

instance_hours of spot_savings_monthly
instance_hours of spot

interruptions of spot_savings_monthly
count(*) of visits where is_spot and secondary_status = 'Interrupted'

interrupted_jobs of spot_savings_monthly
count(*) of interrupted where is_spot and is_ended

owners of owner_concentration
count(owner) of instance_hours_by_owner

jobs of final_metrics_by_group
count(of_group) of metrics

measured_host_hours of fct_hardware_utilization where measure not in ('gpu', 'gpu_memory')
coverage_share * instance_hours of measured where measure not in ('gpu', 'gpu_memory')

measured_gpu_hours of idle_gpu_hours
coverage_share * gpu_hours of measured where measure = 'gpu'

unused_gpu_hours of idle_gpu_hours
coverage_share * gpu_hours * (1 - mean_share) of measured where measure = 'gpu'

idle_gpu_hours of fct_hardware_utilization, idle_gpu_hours

measured_jobs of idle_gpu_hours
count(*) of measured where measure = 'gpu'

jobs of idle_gpu_hours
count(*) of of_measured_teams

gpu_hours of idle_gpu_hours
gpu_hours of of_measured_teams

gpu_hours of idle_gpu_jobs
gpu_hours of measured where measure = 'gpu' and idle_share >= 0.5

idle_gpu_hours of idle_gpu_jobs
idle_gpu_hours of fct_hardware_utilization where idle_share >= 0.5

instance_hours of right_sizing_candidates
instance_hours of too_large

instance_hours of capacity_utilization_daily
instance_hours of of_capacity

wait_seconds_at_quota of quota_utilization_hourly, quota_utilization_daily

seconds_at_quota of quota_utilization_hourly, quota_utilization_daily
"""

# The other numbers, and why no total is demanded of them: patterns of "column", or of "mart.column".
NO_TOTAL = {
    "a share, a rate or a price": [
        *(r"\w+_share", r"failure_rate(_strict|_all)?", "(ettr|goodput)_(low|high)", "savings", "price_per_hour"),
        *(r"\w+_per_1000_\w+", r"mttf_\w+", r"\w*utilization", r"\w*expansion_factor", "parallel_efficiency", "gini"),
    ],
    "the end of an interval of confidence": [r"(\w+_share|failure_rate(_strict|_all)?)_(low|high)"],
    "a mean, a quantile or an extreme": [r"(km_)?p\d\d(_\w+)?", r"(mean|peak|most|least|greatest|longest)_\w+"],
    "how large one thing is": [
        *("instance_count", "gpu_count", "level", "measured_hosts"),
        *("training_time_in_seconds", "max_runtime_in_seconds", "(capacity|quota)_instances"),
        r"right_sizing_candidates\.(vcpus|fitting_vcpus|memory_gib|gpus|gpu_memory_gib)",
    ],
    "of many buckets at once": ["active_jobs", "gpu_known_jobs", "seconds_at_or_above", r"arrivals\.days"],
    "a whole, told with each of its parts": [
        *(r"job_sizes\.all_jobs", r"final_status_shares\.(ended|started_and_ended)_jobs", r"stop_causes\.stopped_jobs"),
        *(r"failure_classes(_monthly)?\.failed_jobs", "compared_visits"),
    ],
    "how many different ones there are": ["accounts", "roles", "top_owners"],
    "a place in an order": ["attempt", "visit_index", "owner_rank", "weekday", "hour_of_day", "lake_generation"],
    "a value or a time of one thing": ["value", r"\w*age_seconds", "makespan_seconds"],
    "told nowhere else": [
        *("overlap_seconds", "documents_quarantined", "jobs_and_documents_quarantined", "capacity_instance_hours"),
        *(r"quota_utilization_(daily|hourly)\.seconds", r"(created|waited)_jobs(_at_quota)?"),
    ],
}


@pytest.fixture(scope="module")
def marts(made_home):
    return published(made_home.warehouse)


@pytest.fixture(scope="module")
def ask(made_home):
    """f(a line of a paragraph of totals): what each mart of the line tells, by what was asked."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{made_home.warehouse}' as warehouse (read_only)")
        connection.execute("use warehouse.marts")
        for name, select in VIEWS.items():
            connection.execute(f"create temp view {name} as {select}")

        def totals(line):
            expression, marts, condition = parts_of(line)
            asked = [f"select {expression} from {mart}{condition}" for mart in marts]
            return {query: total(value for (value,) in connection.execute(query).fetchall()) for query in asked}

        yield totals


def parts_of(line):
    """The expression, the marts, and the condition, if any."""
    expression, marts, condition = re.fullmatch(r"(.+?) of (.+?)( where .+)?", line).groups()
    return expression, marts.split(", "), condition or ""


def total(values):
    """Exact for whole numbers; of fractions the double that is nearest to the sum."""
    known = [value for value in values if value is not None]
    return sum(known) if all(isinstance(value, int) for value in known) else fsum(known)


@pytest.mark.parametrize(
    "paragraph", TOTALS.strip().split("\n\n"), ids=lambda paragraph: re.split("[,\n]", paragraph)[0]
)
def test_all_who_tell_it_tell_the_same_total(paragraph, ask):
    totals = {query: told for line in paragraph.splitlines() for query, told in ask(line).items()}
    first, *others = totals.values()
    assert first > 0
    assert others
    # A total of so few jobs is exact at this if it is whole; hours are rounded where they are divided and multiplied.
    assert totals == pytest.approx(dict.fromkeys(totals, first), rel=1e-12, abs=0)


def test_every_number_has_a_total_or_a_reason_why_not():
    numbers = {
        (mart.name, column.name)
        for mart in load_catalogue(shipped("sql")).marts
        for column in mart.columns
        if column.type in ("BIGINT", "DOUBLE")
    }
    lines = [parts_of(line) for line in TOTALS.splitlines() if line]
    without = numbers - {
        (mart, name) for expression, marts, _ in lines for mart in marts for name in re.findall(r"\w+", expression)
    }
    reasons = [pattern for patterns in NO_TOTAL.values() for pattern in patterns]
    assert {number for number in without if not any(is_one_of(pattern, *number) for pattern in reasons)} == set()
    assert [pattern for pattern in reasons if not any(is_one_of(pattern, *number) for number in numbers)] == []


def is_one_of(pattern, mart, column):
    return re.fullmatch(pattern, column) or re.fullmatch(pattern, f"{mart}.{column}")


@pytest.mark.parametrize("measure", JOBS)
def test_a_month_is_the_sum_of_its_days(measure, marts):
    days = by(marts["failure_rates_daily"], measure, "date", *DIMENSIONS)
    assert months(days) == by(marts["failure_rates_monthly"], measure, "date", *DIMENSIONS)


@pytest.mark.parametrize(("measure", "size"), [("instance_hours", "instance_count"), ("gpu_hours", "gpu_count")])
def test_the_use_of_a_month_is_that_of_its_days_and_hours(measure, size, marts):
    runs = [
        (row["started_at"], row["run_end_at"], row[size]) for row in marts["fct_training_jobs"] if row["started_at"]
    ]
    wanted = by_month(runs, HOUR)
    for mart in ("utilization_daily", "fleet_totals_daily", "instance_type_utilization_daily"):
        same(months(by(marts[mart], measure, "date")), wanted)
    for mart in ("utilization_hourly", "fleet_utilization_hourly"):
        days = [row | {"date": row["hour"].date()} for row in marts[mart]]
        same(months(by(days, measure, "date")), wanted)


def test_the_time_in_statuses_of_a_month_is_that_of_its_days(marts):
    visits = [
        (visit["start_time"], visit["end_time"], 1, visit["secondary_status"])
        for visit in marts["fct_secondary_status_visits"]
    ]
    days = by(marts["secondary_status_time_daily"], "seconds", "date", "secondary_status")
    same(months(days), by_month(visits, SECOND))


def by_month(stretches, unit):
    """Length times size of (start, end, size, …) by month and what else they have; without those that are 0."""
    sums = Counter()
    for start, end, size, *rest in stretches:
        while start < end:
            month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            following = min(end, (month + timedelta(days=31)).replace(day=1))
            length = (following - start) // timedelta(microseconds=1)
            sums[(month.date(), *rest)] += Fraction(length * (size or 0), unit)
            start = following
    return {key: amount for key, amount in sums.items() if amount}


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
        {key: float(amount) for key, amount in wanted.items()}, rel=1e-12, abs=0
    )
