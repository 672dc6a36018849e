"""The oracle's marts of runs, sizes, use, costs and limits, against cases computed by hand; as in test_oracle.py."""

from datetime import date, datetime
from random import Random

import pytest
from scipy.stats import CensoredData, ecdf

from tests.oracle import MARTS
from tests.oracle.jobs import jobs_of
from tests.oracle.statistics import kaplan_meier_seconds
from tests.test_oracle import DAY, GPUS, HOUR, MIDNIGHT, UNKNOWN_GPUS, columns, job, one, ran, waited

KEY = {"account_id": "012345678901", "region": "eu-west-1", "instance_type": "ml.p3.8xlarge", "is_spot": False}
GROUPS = [
    {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2},
    {"InstanceType": "ml.m5.large", "InstanceCount": 3},
]


def referring(mart, names, *documents, as_of=100 * DAY, **reference):
    """As ``columns``, of a mart that reads reference data."""
    nothing = {"prices": [], "quotas": [], "capacities": []}
    rows = MARTS[mart](jobs_of(documents, MIDNIGHT + as_of, GPUS), nothing | reference)
    return sorted((tuple(row[name] for name in names.split()) for row in rows), key=repr)


def price(per_hour, since=date(2024, 1, 1), **other):
    key = {"instance_type": "ml.p3.8xlarge", "region": "eu-west-1", "is_spot": False}
    return key | {"valid_from": since, "price_per_hour": per_hour} | other


def quota(instances, since=date(2024, 1, 1), **other):
    return KEY | {"valid_from": since, "instances": instances} | other


def capacity(instances, since=date(2024, 1, 1), until=None):
    key = {name: KEY[name] for name in ("account_id", "region", "instance_type")}
    return key | {"valid_from": since, "valid_until": until, "instances": instances}


def heterogeneous(document):
    return document | {"ResourceConfig": {"InstanceGroups": GROUPS}}


class TestConcurrency:
    def test_p95_is_what_is_exceeded_for_a_twentieth_of_the_hour_at_most(self):
        names = "p95_jobs p95_instances p95_gpus"
        # 3 minutes are 5 % of an hour.
        assert columns("utilization_hourly", names, ran(0, 180, count=2)) == [(0, 0, 0)]
        assert columns("utilization_hourly", names, ran(0, 181, count=2)) == [(1, 2, 8)]
        steady = [ran(0, HOUR), ran(0, 180)]
        assert columns("utilization_hourly", names, *steady) == [(1, 1, 4)]
        assert columns("utilization_hourly", "p95_instances p95_gpus", ran(0, HOUR, **UNKNOWN_GPUS)) == [(1, None)]

    def test_seconds_at_and_above_levels(self):
        documents = [ran(0, 100), ran(50, 150), ran(90, 100, count=3), ran(200, 250)]
        found = columns("fleet_concurrency_levels", "measure level seconds seconds_at_or_above", *documents)
        assert sorted(found) == [
            ("gpus", 4, 150, 200),
            ("gpus", 8, 40, 50),
            ("gpus", 20, 10, 10),
            ("instances", 1, 150, 200),
            ("instances", 2, 40, 50),
            ("instances", 5, 10, 10),
            ("jobs", 1, 150, 200),
            ("jobs", 2, 40, 50),
            ("jobs", 3, 10, 10),
        ]

    def test_levels_are_of_their_dimensions(self):
        documents = [ran(0, 100), ran(0, 100, instance_type="ml.m5.large")]
        names = "instance_type measure level seconds"
        assert sorted(columns("concurrency_levels", names, *documents)) == [
            ("ml.m5.large", "instances", 1, 100),
            ("ml.m5.large", "jobs", 1, 100),
            ("ml.p3.8xlarge", "gpus", 4, 100),
            ("ml.p3.8xlarge", "instances", 1, 100),
            ("ml.p3.8xlarge", "jobs", 1, 100),
        ]

    def test_a_job_is_active_on_every_day_it_touches(self):
        documents = [ran(-HOUR, DAY + HOUR), ran(HOUR, 2 * HOUR), ran(DAY, DAY), ran(5, 5)]
        found = dict(columns("utilization_daily", "date active_jobs", *documents))
        # What has no length at midnight did not run before it, nor after.
        assert found == {date(2023, 12, 31): 1, date(2024, 1, 1): 3, date(2024, 1, 2): 1}


class TestCoverage:
    def test_the_share_of_hours_whose_gpus_are_known(self):
        known, unknown = ran(0, HOUR), ran(0, 3 * HOUR, **UNKNOWN_GPUS)
        assert columns("final_status_shares", "gpu_hours gpu_known_share", known, unknown) == [(4, 0.25)]
        assert columns("fleet_totals", "instance_hours gpu_hours gpu_known_share", known, unknown) == [(4, 4, 0.25)]
        by_type = columns("utilization_daily", "instance_type gpu_known_share", known, unknown)
        assert sorted(by_type) == [("ml.p3.8xlarge", 1), ("ml.unlisted", 0)]

    OF_THE_SAME = (
        ("failure_classes", {"status": "Failed"}),
        ("failure_fingerprints", {"status": "Failed", "FailureReason": "KeyError"}),
        ("tuning_jobs", {"TuningJobArn": "arn:t"}),
        ("instance_hours_by_owner", {}),
        ("final_status_shares", {}),
        ("fleet_totals", {}),
    )

    @pytest.mark.parametrize(("mart", "members"), OF_THE_SAME)
    def test_hours_of_known_and_unknown_gpus_tell_how_much_is_known(self, mart, members):
        documents = [ran(0, HOUR, name="a", **members), ran(0, 3 * HOUR, name="b", **UNKNOWN_GPUS, **members)]
        assert set(columns(mart, "gpu_hours gpu_known_share", *documents)) == {(4, 0.25)}

    @pytest.mark.parametrize(("mart", "members"), OF_THE_SAME)
    def test_nothing_is_known_of_gpus_where_only_jobs_that_never_ran_have_known_ones(self, mart, members):
        """They used 0 GPU-hours, which says nothing of those that the others used."""
        never = waited(5, name="a", **{name: value for name, value in members.items() if name != "status"})
        never["TrainingJobStatus"] = members.get("status", "Completed")
        documents = [never, ran(0, 3 * HOUR, name="b", **UNKNOWN_GPUS, **members)]
        assert set(columns(mart, "gpu_hours gpu_known_share", *documents)) == {(None, 0)}
        assert set(columns(mart, "gpu_hours gpu_known_share", never)) == {(0, None)}

    @pytest.mark.parametrize(
        ("mart", "status"), [("failure_classes_monthly", "Failed"), ("stop_causes", "Stopped"), ("job_sizes", "Failed")]
    )
    def test_so_it_is_by_instance_type(self, mart, status):
        documents = [
            ran(0, HOUR, status=status, **UNKNOWN_GPUS),
            waited(5, **UNKNOWN_GPUS) | {"TrainingJobStatus": status},
        ]
        assert columns(mart, "instance_hours gpu_hours", *documents) == [(1, None)]

    def test_the_share_of_hours_whose_bill_is_known(self):
        billed, unbilled = ran(0, HOUR, BillableTimeInSeconds=1800), ran(0, 3 * HOUR, status="Failed")
        still_open = ran(0, HOUR, status="InProgress")
        names = "submitted_jobs ended_jobs billable_instance_hours bill_known_share"
        assert columns("fleet_totals", names, billed, unbilled, still_open) == [(3, 2, 0.5, 0.25)]
        assert columns("fleet_totals", names) == [(0, 0, None, None)]


class TestInstanceTypes:
    def test_groups_have_their_own_rows(self):
        names = "instance_type instance_hours gpu_hours gpu_known_share"
        found = columns("instance_type_utilization_daily", names, heterogeneous(ran(0, HOUR)), ran(0, HOUR))
        assert sorted(found) == [("ml.m5.large", 3, 0, 1), ("ml.p3.8xlarge", 3, 12, 1)]

    def test_a_group_of_unknown_gpus_hides_those_of_its_job_but_not_those_of_other_types(self):
        document = ran(0, HOUR)
        document["ResourceConfig"] = {"InstanceGroups": [*GROUPS, {"InstanceType": "ml.unlisted", "InstanceCount": 5}]}
        names = "instance_hours gpu_hours gpu_known_share"
        by_type = columns("instance_type_utilization_daily", f"instance_type {names}", document)
        assert sorted(by_type) == [("ml.m5.large", 3, 0, 1), ("ml.p3.8xlarge", 2, 8, 1), ("ml.unlisted", 5, None, 0)]
        assert columns("utilization_daily", names, document) == [(10, None, 0)]
        assert referring("fleet_totals_daily", f"date {names}", document)[0] == (date(2024, 1, 1), 10, None, 0)

    def test_hours_are_of_their_day(self):
        found = columns("instance_type_utilization_daily", "date instance_hours", ran(DAY - HOUR, DAY + 2 * HOUR))
        assert found == [(date(2024, 1, 1), 1), (date(2024, 1, 2), 2)]


class TestRuns:
    def test_open_runs_make_the_median_longer(self):
        over = [ran(0, 10), ran(0, 20), ran(0, 30)]
        still_open = [ran(0, HOUR, status="InProgress") | {"TrainingEndTime": None}] * 2
        names = "ended_runs open_runs mean_seconds p50_seconds p90_seconds km_p50_seconds km_p90_seconds"
        assert columns("run_time", names, *over, waited(5)) == [(3, 0, 20, 20, 28, 20, 30)]
        # Seen for 15 seconds: 4/5 survive the first 10, then 2 are at risk: 2/5 survive 20.
        assert columns("run_time", names, *over, *still_open, as_of=15) == [(3, 2, 20, 20, 28, 20, 30)]
        assert columns("run_time", names, *over, *still_open, as_of=25) == [(3, 2, 20, 20, 28, 30, 30)]
        assert columns("run_time", names, *over, *still_open, as_of=45) == [(3, 2, 20, 20, 28, 30, None)]

    def test_instance_types_are_apart(self):
        found = columns(
            "run_time_by_instance_type", "instance_type p50_seconds", ran(0, 10), ran(0, 30, **UNKNOWN_GPUS)
        )
        assert sorted(found) == [("ml.p3.8xlarge", 10), ("ml.unlisted", 30)]
        assert columns("run_time", "ended_runs p50_seconds km_p50_seconds") == [(0, None, None)]

    @pytest.mark.parametrize("mart", ["run_time", "run_time_by_instance_type"])
    @pytest.mark.parametrize(("ended", "is_small"), [(19, True), (20, False)])
    def test_few_runs_that_are_over_are_a_small_sample(self, mart, ended, is_small):
        still_open = [ran(0, HOUR, status="InProgress") | {"TrainingEndTime": None}] * 2
        assert columns(mart, "is_small_sample", *[ran(0, 9)] * ended, *still_open) == [(is_small,)]

    def test_slowdown(self):
        # Factors 2, 1.5 and none; bounded 2, 1.5 and (30 + 0) / 10.
        documents = [ran(100, 200, created=0), ran(50, 150, created=0), ran(30, 30, created=0), waited(9)]
        row = one("slowdown", *documents)
        assert (row["jobs"], row["zero_length_jobs"]) == (3, 1)
        assert row["expansion_factor"] == (180 + 200) / 200
        assert (row["p50_expansion_factor"], row["p90_expansion_factor"]) == pytest.approx((1.75, 1.95))
        assert row["mean_bounded_slowdown"] == pytest.approx(6.5 / 3)
        assert (row["p50_bounded_slowdown"], row["p99_bounded_slowdown"]) == pytest.approx((2, 2.98))

    def test_a_tiny_run_is_not_slow(self):
        names = "expansion_factor mean_bounded_slowdown"
        assert columns("slowdown", names, ran(4, 5, created=0)) == [(5, 1)]

    @pytest.mark.parametrize("seed", range(5))
    def test_kaplan_meier_is_that_of_a_well_kept_library(self, seed):

        random = Random(seed)
        events, censored = ([random.randrange(1, 40) for _ in range(random.randrange(1, 60))] for _ in range(2))
        survival = ecdf(CensoredData(uncensored=events, right=censored)).sf
        for q in ("0.5", "0.9"):
            reached = survival.quantiles[survival.probabilities <= 1 - float(q) + 1e-12]
            wanted = min(reached, default=None)
            found = kaplan_meier_seconds([event * 10**6 for event in events], [time * 10**6 for time in censored], q)
            assert found == wanted


class TestAttempts:
    INTERRUPTED = (
        ("Starting", 0, 10),
        ("Pending", 10, 15),
        ("Training", 15, 40),
        ("Interrupted", 40, 50),
        ("Starting", 50, 80),
        ("Training", 80, 100),
    )

    def test_each_attempt_queues(self):
        documents = [job(*self.INTERRUPTED), job(("Starting", 0, 5), ("Training", 5, 9), name="b")]
        names = "attempt jobs queued_jobs seconds mean_seconds p50_seconds"
        assert sorted(columns("queue_wait_by_attempt", names, *documents)) == [
            (1, 2, 2, 20, 10, 10),
            (2, 1, 1, 30, 30, 30),
        ]

    def test_an_attempt_that_does_not_queue_waits_for_no_time_at_all(self):
        document = job(("Training", 0, 10))
        names = "jobs queued_jobs seconds p50_seconds"
        assert columns("queue_wait_by_attempt", names, document) == [(1, 0, 0, None)]
        queued = job(("Starting", 0, 8), ("Training", 8, 10), name="b")
        assert columns("queue_wait_by_attempt", names, document, queued) == [(2, 1, 8, 8)]

    def test_what_ends_a_job_after_an_interruption_is_no_wait(self):
        stopped = job(("Starting", 0, 8), ("Training", 8, 10), ("Interrupted", 10, 12), ("Stopped", 12, 12))
        names = "attempt jobs queued_jobs p50_seconds"
        assert columns("queue_wait_by_attempt", names, stopped, job(*self.INTERRUPTED, name="b")) == [
            (1, 2, 2, 11.5),
            (2, 2, 1, 30),
        ]

    def test_every_status_of_the_queue_counts(self):
        statuses = ("LaunchingMLInstances", "PreparingTrainingStack", "Pending", "Starting")
        told = [(status, 10 * number, 10 * number + 10) for number, status in enumerate(statuses)]
        document = job(*told, ("Training", 40, 50))
        assert columns("queue_wait_by_attempt", "queued_jobs seconds", document) == [(1, 40)]

    @pytest.mark.parametrize(("queued", "is_small"), [(19, True), (20, False)])
    def test_few_jobs_that_queued_are_a_small_sample(self, queued, is_small):
        documents = [job(("Pending", 0, 5))] * queued + [job(("Training", 0, 5))] * 2
        assert columns("queue_wait_by_attempt", "is_small_sample", *documents) == [(is_small,)]

    def test_statuses_of_attempts(self):
        names = "attempt secondary_status visits seconds attempt_share"
        assert columns("secondary_status_time_by_attempt", names, job(*self.INTERRUPTED)) == [
            (1, "Starting", 1, 10, 0.2),
            (1, "Pending", 1, 5, 0.1),
            (1, "Training", 1, 25, 0.5),
            (1, "Interrupted", 1, 10, 0.2),
            (2, "Starting", 1, 30, 0.6),
            (2, "Training", 1, 20, 0.4),
        ]


class TestSpot:
    def test_savings_are_weighted_by_instances_and_may_be_negative(self):
        spot = {"EnableManagedSpotTraining": True}
        documents = [
            ran(0, HOUR, TrainingTimeInSeconds=HOUR, BillableTimeInSeconds=HOUR // 4, count=3, **spot),
            ran(0, HOUR, TrainingTimeInSeconds=HOUR, BillableTimeInSeconds=HOUR, **spot),
            ran(0, HOUR, TrainingTimeInSeconds=HOUR, **spot),
            ran(0, HOUR, TrainingTimeInSeconds=HOUR, BillableTimeInSeconds=1),
        ]
        names = "ended_jobs compared_jobs trained_instance_hours billed_instance_hours savings"
        assert columns("spot_savings_monthly", names, *documents) == [(3, 2, 4, 1.75, 2.25 / 4)]
        dear = ran(0, HOUR, TrainingTimeInSeconds=HOUR, BillableTimeInSeconds=2 * HOUR, **spot)
        assert columns("spot_savings_monthly", "savings", dear) == [(-1,)]

    def test_interruptions(self):
        document = job(
            *TestAttempts.INTERRUPTED, EnableManagedSpotTraining=True, TrainingStartTime=0, TrainingEndTime=HOUR
        )
        names = "savings instance_hours interruptions interrupted_jobs interruptions_per_1000_instance_hours"
        assert columns("spot_savings_monthly", names, document) == [(None, 1, 1, 1, 1000)]

    def test_interruptions_and_hours_are_of_the_month_in_which_they_were_of_open_jobs_too(self):
        """Open since an hour before a month ended, interrupted before and after that, seen half an hour after it."""
        month = 31 * DAY
        document = job(
            ("Training", month - HOUR, month - 1800),
            ("Interrupted", month - 1800, month - 1700),
            ("Training", month - 1700, month + 600),
            ("Interrupted", month + 600, None),
            CreationTime=month - HOUR,
            TrainingStartTime=month - HOUR,
            TrainingJobStatus="InProgress",
            SecondaryStatus="Interrupted",
            EnableManagedSpotTraining=True,
        )
        names = "date ended_jobs savings instance_hours interruptions interrupted_jobs"
        assert columns("spot_savings_monthly", names, document, as_of=month + 1800) == [
            (date(2024, 1, 1), 0, None, 1, 1, 0),
            (date(2024, 2, 1), 0, None, 0.5, 1, 0),
        ]

    @pytest.mark.parametrize(
        ("interruptions", "low", "high", "is_small"),
        [
            (0, 0, 3688.87945411394, True),
            (1, 25.3178079842899, 5571.6433909389, True),
            (19, 11439.2411643667, 29670.8534715856, True),
            (20, 12216.5195854039, 30888.3779026746, False),
        ],
    )
    def test_the_rate_of_interruptions_has_an_interval(self, interruptions, low, high, is_small):
        told = [("Interrupted", at, at + 1) for at in range(interruptions)]
        document = job(*told, EnableManagedSpotTraining=True, TrainingStartTime=0, TrainingEndTime=HOUR)
        names = "interruptions interruptions_per_1000_instance_hours_low interruptions_per_1000_instance_hours_high"
        assert columns("spot_savings_monthly", f"{names} is_small_sample", document) == [
            (interruptions, pytest.approx(low), pytest.approx(high), is_small)
        ]

    def test_no_hours_have_no_rate_of_interruptions(self):
        names = "interruptions_per_1000_instance_hours_low interruptions_per_1000_instance_hours_high"
        document = waited(5, EnableManagedSpotTraining=True)
        assert columns("spot_savings_monthly", names, document) == [(None, None)]


class TestSizes:
    def test_buckets(self):
        sized = [(1, 0), (2, 0), (3, HOUR)]
        documents = [ran(0, time, count=count) for count, time in sized] + [ran(0, HOUR, **UNKNOWN_GPUS)]
        documents.append(ran(0, 0, instance_type="ml.m5.large"))
        names = "size_bucket jobs job_share instance_hours gpu_hours gpu_hour_share"
        assert sorted(columns("job_sizes", names, *documents)) == [
            ("0", 1, 0.2, 0, 0, 0),
            ("2-4", 1, 0.2, 0, 0, 0),
            ("5-8", 1, 0.2, 0, 0, 0),
            (">8", 1, 0.2, 3, 12, 1),
            ("unknown", 1, 0.2, 1, None, None),
        ]

    def test_few_large_jobs_have_most_of_the_hours(self):
        documents = [ran(0, HOUR)] * 9 + [ran(0, 10 * HOUR, count=4)]
        names = "measure jobs hours p50 p90 p99 p50_by_hours p90_by_hours"
        assert sorted(columns("job_size_quantiles", names, *documents)) == [
            ("gpus", 10, 196, 4, 4, 16, 16, 16),
            ("instances", 10, 49, 1, 1, 4, 4, 4),
        ]
        assert columns("job_size_quantiles", "measure p50 p50_by_hours", waited(5)) == [
            ("gpus", 4, None),
            ("instances", 1, None),
        ]


class TestArrivals:
    def test_hours_of_weekdays(self):
        # 2024 began on a Monday: two Mondays, and one each of the other days.
        documents = [waited(1, created=HOUR + 5), waited(1, created=7 * DAY + HOUR), waited(1, created=2 * DAY)]
        found = columns("arrivals", "weekday hour_of_day submitted_jobs days mean_submitted_jobs", *documents)
        assert len(found) == 168
        assert [row for row in found if row[2]] == [(1, 1, 2, 2, 1), (3, 0, 1, 1, 1)]
        assert sum(row[3] for row in found) == 24 * 8

    def test_without_jobs_there_are_no_days(self):
        assert {row[1:] for row in columns("arrivals", "weekday days mean_submitted_jobs")} == {(0, None)}


class TestListCosts:
    NAMES = "date line billed_instance_hours price_per_hour priced_instance_hours list_cost"

    def test_a_price_holds_from_its_day_to_the_next(self):
        document = ran(DAY - HOUR, DAY + HOUR, count=2, BillableTimeInSeconds=HOUR)
        prices = [price(3), price(4, date(2024, 1, 2)), price(9, is_spot=True), price(9, region="us-east-1")]
        assert referring("list_costs_daily", self.NAMES, document, prices=prices) == [
            (date(2024, 1, 1), "training", 1, 3, 1, 3),
            (date(2024, 1, 2), "training", 1, 4, 1, 4),
        ]
        names = "date billed_instance_hours priced_share list_cost"
        assert referring("list_costs_monthly", names, document, prices=prices) == [(date(2024, 1, 1), 2, 1, 7)]

    def test_no_price_is_no_cost(self):
        document = ran(0, HOUR, BillableTimeInSeconds=HOUR)
        later = [price(3, date(2024, 1, 2))]
        expected = [(date(2024, 1, 1), "training", 1, None, 0, None)]
        assert referring("list_costs_daily", self.NAMES, document) == expected
        assert referring("list_costs_daily", self.NAMES, document, prices=later) == expected
        both = [document, ran(DAY, DAY + HOUR, BillableTimeInSeconds=3 * HOUR)]
        names = "billed_instance_hours priced_share list_cost"
        assert referring("list_costs_monthly", names, *both, prices=later) == [(4, 0.75, 9)]

    def test_no_bill_is_no_cost(self):
        found = referring("list_costs_daily", f"{self.NAMES} bill_known_share", ran(0, HOUR), prices=[price(3)])
        assert found == [(date(2024, 1, 1), "training", None, 3, None, None, 0)]

    def test_the_warm_pool_is_a_line_of_its_own_after_the_run(self):
        pool = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 2 * HOUR}
        document = ran(0, DAY - HOUR, count=2, BillableTimeInSeconds=HOUR, WarmPoolStatus=pool)
        assert referring("list_costs_daily", self.NAMES, document, prices=[price(3)]) == [
            (date(2024, 1, 1), "training", 2, 3, 2, 6),
            (date(2024, 1, 1), "warm_pool", 2, 3, 2, 6),
            (date(2024, 1, 2), "warm_pool", 2, 3, 2, 6),
        ]

    @pytest.mark.parametrize("told", [-1, 2**62, 200 * DAY])
    def test_a_warm_pool_that_cannot_be_is_none(self, told):
        pool = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": told}
        found = referring("list_costs_daily", "line", ran(0, HOUR, BillableTimeInSeconds=HOUR, WarmPoolStatus=pool))
        assert found == [("training",)]

    def test_what_a_plan_has_paid_has_no_cost(self):
        document = ran(0, HOUR, BillableTimeInSeconds=HOUR)
        document["ResourceConfig"]["TrainingPlanArn"] = "arn:aws:sagemaker:eu-west-1:012345678901:training-plan/p"
        names = f"is_prepaid {self.NAMES}"
        assert referring("list_costs_daily", names, document, prices=[price(3)]) == [
            (True, date(2024, 1, 1), "training", 1, None, None, None)
        ]
        assert referring("list_costs_monthly", "list_cost priced_share", document, prices=[price(3)]) == [(None, None)]

    def test_groups_cost_what_their_types_do(self):
        document = heterogeneous(ran(0, HOUR, BillableTimeInSeconds=HOUR))
        prices = [price(10), price(1, instance_type="ml.m5.large")]
        names = "instance_type billed_instance_hours list_cost"
        assert referring("list_costs_daily", names, document, prices=prices) == [
            ("ml.m5.large", 3, 3),
            ("ml.p3.8xlarge", 2, 20),
        ]


class TestQuotas:
    NAMES = "date quota_instances peak_instances peak_utilization mean_utilization seconds seconds_at_quota"

    def test_what_is_in_use_of_it(self):
        documents = [ran(0, 6 * HOUR), ran(0, 12 * HOUR, created=0)]
        found = referring("quota_utilization_daily", self.NAMES, *documents, as_of=DAY, quotas=[quota(2)])
        assert found == [(date(2024, 1, 1), 2, 2, 1, 18 / 48, DAY, 6 * HOUR)]

    def test_a_quota_changes_and_is_not_judged_by_time_that_has_not_happened(self):
        quotas = [quota(4, date(2023, 1, 1)), quota(1, date(2024, 1, 2)), quota(None, date(2024, 1, 3))]
        found = referring(
            "quota_utilization_daily", self.NAMES, ran(HOUR, 2 * DAY), as_of=2 * DAY + HOUR, quotas=quotas
        )
        assert found == [
            (date(2024, 1, 1), 4, 1, 0.25, 23 / 96, DAY, 0),
            (date(2024, 1, 2), 1, 1, 1, 1, DAY, DAY),
        ]
        today = referring("quota_utilization_daily", self.NAMES, ran(0, HOUR), as_of=2 * HOUR, quotas=[quota(1)])
        assert today == [(date(2024, 1, 1), 1, 1, 1, 0.5, 2 * HOUR, HOUR)]

    def test_jobs_created_while_others_use_all_of_it(self):
        documents = [
            ran(0, HOUR, count=2),
            ran(HOUR, 2 * HOUR, created=10),
            waited(5, created=HOUR),
            waited(5, created=HOUR + 1),
        ]
        names = "created_jobs created_jobs_at_quota"
        # The one created at 10 s finds 2 of 2 in use; those of the second hour find 1.
        assert referring("quota_utilization_daily", names, *documents, as_of=DAY, quotas=[quota(2)]) == [(4, 1)]
        assert referring("quota_utilization_daily", names, *documents, as_of=DAY, quotas=[quota(1)]) == [(4, 3)]
        assert referring("quota_utilization_daily", names, *documents, as_of=DAY, quotas=[quota(0)]) == [(4, 4)]

    def test_of_nothing_there_is_no_share(self):
        found = referring("quota_utilization_daily", self.NAMES, ran(0, HOUR), as_of=DAY, quotas=[quota(0)])
        assert found == [(date(2024, 1, 1), 0, 1, None, None, DAY, DAY)]

    def test_another_has_no_part_in_it(self):
        others = [ran(0, HOUR, EnableManagedSpotTraining=True), ran(0, HOUR, instance_type="ml.m5.large")]
        names = "peak_instances created_jobs"
        assert referring("quota_utilization_daily", names, *others, as_of=DAY, quotas=[quota(1)]) == []
        found = referring("quota_utilization_daily", names, waited(5), *others, as_of=DAY, quotas=[quota(1)])
        assert found == [(0, 1)]
        assert referring("quota_utilization_daily", self.NAMES, *others) == []

    def test_groups_count_for_their_types(self):
        document = heterogeneous(ran(0, HOUR))
        found = referring("quota_utilization_daily", "peak_instances", document, as_of=DAY, quotas=[quota(4)])
        assert found == [(2,)]

    def test_a_warm_pool_has_a_quota_of_its_own_and_takes_that_of_training_jobs_too(self):
        kept = ran(0, HOUR) | {"WarmPoolStatus": {"ResourceRetainedBillableTimeInSeconds": 1800}}
        waiting = ran(2 * HOUR, 3 * HOUR, created=HOUR + 600)
        names = "kind peak_instances seconds_at_quota created_jobs created_jobs_at_quota wait_seconds_at_quota"
        quotas = [quota(1) | {"kind": kind} for kind in ("training_jobs", "warm_pools")]
        assert referring("quota_utilization_daily", names, kept, waiting, as_of=DAY, quotas=quotas) == [
            ("training_jobs", 1, HOUR + 1800 + HOUR, 2, 1, 1200),
            ("warm_pools", 1, 1800, 0, 0, 0),
        ]

    def test_all_types_together_have_one_too(self):
        documents = [heterogeneous(ran(0, HOUR)), ran(0, 2 * HOUR, instance_type="ml.c5.large")]
        names = "peak_instances seconds_at_quota created_jobs"
        quotas = [quota(6) | {"instance_type": "all"}]
        assert referring("quota_utilization_daily", names, *documents, as_of=DAY, quotas=quotas) == [(6, HOUR, 2)]

    def test_jobs_wait_while_others_use_all_of_it(self):
        full = [ran(0, HOUR, count=2), ran(2 * HOUR, 3 * HOUR, count=2)]
        # One waits through both, one between them, and one never starts.
        waiting = [ran(3 * HOUR, 4 * HOUR, created=HOUR // 2), ran(2 * HOUR, 2 * HOUR, created=HOUR), waited(600)]
        names = "waited_jobs_at_quota wait_seconds_at_quota"
        found = referring("quota_utilization_daily", names, *full, *waiting, as_of=DAY, quotas=[quota(2)])
        assert found == [(2, HOUR // 2 + HOUR + 600)]

    def test_what_was_used_and_waited_for_hour_by_hour(self):
        documents = [ran(HOUR // 2, 2 * HOUR, count=2), ran(3 * HOUR, 3 * HOUR, created=HOUR)]
        names = "hour quota_instances peak_instances mean_utilization seconds_at_quota"
        names += " peak_waiting_jobs_at_quota wait_seconds_at_quota"
        found = referring("quota_utilization_hourly", names, *documents, as_of=DAY, quotas=[quota(2)])
        hours = [datetime(2024, 1, 1, hour) for hour in range(3)]
        assert found == [
            (hours[0], 2, 2, 0.5, HOUR // 2, 0, 0),
            (hours[1], 2, 2, 1, HOUR, 1, HOUR),
            (hours[2], 2, 0, 0, 0, 0, 0),
        ]

    def test_a_quota_of_nothing_is_used_up_in_every_hour(self):
        names = "hour peak_instances seconds seconds_at_quota"
        document = ran(DAY + HOUR // 2, DAY + 2 * HOUR, created=DAY - HOUR)
        quotas = [quota(None, date(2023, 12, 31)), quota(0, date(2024, 1, 2)), quota(1, date(2024, 1, 3))]
        found = referring("quota_utilization_hourly", names, document, as_of=DAY + 5 * HOUR // 2, quotas=quotas)
        hours = [datetime(2024, 1, 2, hour) for hour in range(3)]
        assert found == [(hours[0], 1, HOUR, HOUR), (hours[1], 1, HOUR, HOUR), (hours[2], 0, HOUR // 2, HOUR // 2)]
        daily = referring("quota_utilization_daily", "seconds_at_quota", document, as_of=5 * DAY, quotas=quotas)
        hourly = referring("quota_utilization_hourly", "seconds_at_quota", document, as_of=5 * DAY, quotas=quotas)
        assert sum(seconds for (seconds,) in daily) == sum(seconds for (seconds,) in hourly) == DAY

    @pytest.mark.parametrize(
        ("uses", "limit", "as_of", "p95"),
        [
            # 3 minutes are 5 % of an hour, and a minute and a half that of half an hour.
            ([(0, 180, 2)], 4, DAY, 0),
            ([(0, 181, 2)], 4, DAY, 0.5),
            ([(0, 90, 1)], 1, HOUR // 2, 0),
            ([(0, 91, 1)], 1, HOUR // 2, 1),
            ([(0, HOUR, 1), (0, 180, 3)], 2, DAY, 0.5),
            ([(0, HOUR, 1), (0, 100, 3), (200, 281, 3)], 2, DAY, 2),
            ([(0, HOUR, 1)], 0, HOUR, None),
        ],
    )
    def test_what_of_it_was_not_exceeded_for_95_percent_of_the_hour(self, uses, limit, as_of, p95):
        documents = [ran(start, end, count=count) for start, end, count in uses]
        found = referring("quota_utilization_hourly", "p95_utilization", *documents, as_of=as_of, quotas=[quota(limit)])
        assert found[0] == (p95,)


class TestJobCosts:
    NAMES = "line instance_type price_valid_from billed_seconds list_cost"

    def test_a_price_that_changes_amid_a_job_divides_its_cost(self):
        document = ran(DAY - HOUR, DAY + 2 * HOUR, BillableTimeInSeconds=3 * HOUR, count=2)
        prices = [price(1, date(2023, 1, 1)), price(10, date(2024, 1, 2)), price(99, date(2024, 1, 3))]
        assert referring("fct_training_job_costs", self.NAMES, document, prices=prices) == [
            ("training", "ml.p3.8xlarge", date(2023, 1, 1), HOUR, 2),
            ("training", "ml.p3.8xlarge", date(2024, 1, 2), 2 * HOUR, 40),
        ]
        assert referring("fct_training_job_costs", self.NAMES, document) == [
            ("training", "ml.p3.8xlarge", None, 3 * HOUR, None)
        ]

    def test_a_spot_job_has_the_price_on_demand_until_there_is_one_of_spot(self):
        spot = ran(DAY - HOUR, DAY + HOUR, BillableTimeInSeconds=2 * HOUR, EnableManagedSpotTraining=True)
        prices = [price(3), price(9, date(2024, 1, 2)), price(1, date(2024, 1, 2), is_spot=True)]
        names = "price_valid_from price_is_spot list_cost"
        assert referring("fct_training_job_costs", names, spot, prices=prices) == [
            (date(2024, 1, 1), False, 3),
            (date(2024, 1, 2), True, 1),
        ]
        on_demand = ran(0, HOUR, BillableTimeInSeconds=HOUR)
        assert referring("fct_training_job_costs", names, on_demand, prices=[price(1, is_spot=True)]) == [
            (None, None, None)
        ]

    def test_a_warm_pool_and_groups_have_their_own_rows(self):
        document = heterogeneous(ran(0, HOUR, BillableTimeInSeconds=HOUR))
        document["WarmPoolStatus"] = {"ResourceRetainedBillableTimeInSeconds": 1800}
        found = referring("fct_training_job_costs", self.NAMES, document, prices=[price(10)])
        assert found == [
            ("training", "ml.m5.large", None, HOUR, None),
            ("training", "ml.p3.8xlarge", date(2024, 1, 1), HOUR, 20),
            ("warm_pool", "ml.m5.large", None, 1800, None),
            ("warm_pool", "ml.p3.8xlarge", date(2024, 1, 1), 1800, 10),
        ]

    def test_costs_are_of_teams_and_ends(self):
        failed = ran(0, HOUR, status="Failed", BillableTimeInSeconds=HOUR, FailureReason="CUDA out of memory")
        ended = ran(0, HOUR, BillableTimeInSeconds=HOUR, Tags=[{"Key": "Team", "Value": "vision"}])
        names = "team training_job_status failure_class billed_instance_hours priced_share list_cost"
        documents = [failed, ended, ended, ran(0, HOUR)]
        found = referring("list_costs_by_team_and_status_daily", names, *documents, prices=[price(3)])
        assert found == [
            ("vision", "Completed", None, 2, 1, 6),
            (None, "Completed", None, None, None, None),
            (None, "Failed", "out_of_memory_device", 1, 1, 3),
        ]


class TestCapacity:
    NAMES = "date capacity_instances capacity_instance_hours instance_hours utilization"

    def test_it_counts_for_as_long_as_it_was_there(self):
        blocks = [capacity(2, until=date(2024, 1, 2)), capacity(1), capacity(5, date(2024, 2, 1))]
        found = referring(
            "capacity_utilization_daily", self.NAMES, ran(0, 36 * HOUR), as_of=DAY + 18 * HOUR, capacities=blocks
        )
        assert found == [
            (date(2024, 1, 1), 3, 72, 24, 24 / 72),
            (date(2024, 1, 2), 1, 18, 12, 12 / 18),
        ]

    def test_it_is_unused_before_there_was_any_job(self):
        block = capacity(2, date(2023, 12, 31), date(2024, 1, 2))
        found = referring("capacity_utilization_daily", self.NAMES, waited(9, created=DAY), capacities=[block])
        assert found == [(date(2023, 12, 31), 2, 48, 0, 0), (date(2024, 1, 1), 2, 48, 0, 0)]

    @pytest.mark.parametrize("always", [date(1, 1, 1), date(1970, 1, 1), date(2017, 11, 28)])
    def test_none_was_there_before_sagemaker_was(self, always):
        block = capacity(1, always, date(2017, 12, 2))
        found = referring("capacity_utilization_daily", "date", waited(9), capacities=[block])
        assert found == [(date(2017, 11, 29),), (date(2017, 11, 30),), (date(2017, 12, 1),)]
        earlier = capacity(1, always, date(2017, 11, 29))
        assert referring("capacity_utilization_daily", "date", waited(9), capacities=[earlier]) == []

    def test_what_nobody_used(self):
        found = referring("capacity_utilization_daily", self.NAMES, waited(9), as_of=DAY, capacities=[capacity(1)])
        assert found == [(date(2024, 1, 1), 1, 24, 0, 0)]
        assert referring("capacity_utilization_daily", self.NAMES, ran(0, HOUR)) == []

    def test_what_came_after_the_account_was_last_seen_is_not_unused(self):
        lost, empty = "111122223333", "222233334444"
        elsewhere = ran(0, HOUR)
        elsewhere["TrainingJobArn"] = elsewhere["TrainingJobArn"].replace(KEY["account_id"], lost)
        jobs = [
            *jobs_of([ran(0, HOUR)], MIDNIGHT + 36 * HOUR, GPUS),
            *jobs_of([elsewhere], MIDNIGHT + 2 * HOUR + HOUR // 2, GPUS),
        ]
        blocks = [capacity(1) | {"account_id": account_id} for account_id in (KEY["account_id"], lost, empty)]
        reference = {"prices": [], "capacities": blocks, "quotas": [quota(2), quota(2) | {"account_id": lost}]}
        found = MARTS["capacity_utilization_daily"](jobs, reference)
        assert [(row["account_id"], row["capacity_instance_hours"]) for row in found] == [
            (KEY["account_id"], 24),
            (KEY["account_id"], 12),
            (lost, 2.5),
            (empty, 24),
            (empty, 12),
        ]
        for mart, seconds in (
            ("quota_utilization_daily", [(KEY["account_id"], DAY), (KEY["account_id"], DAY // 2), (lost, 2.5 * HOUR)]),
            ("quota_utilization_hourly", [(KEY["account_id"], HOUR), (lost, HOUR)]),
        ):
            assert [(row["account_id"], row["seconds"]) for row in MARTS[mart](jobs, reference)] == seconds

    def test_nothing_there_has_no_share(self):
        found = referring("capacity_utilization_daily", self.NAMES, ran(0, HOUR), as_of=DAY, capacities=[capacity(0)])
        assert found == [(date(2024, 1, 1), 0, 0, 1, None)]
