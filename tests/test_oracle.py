"""The oracle itself, against cases computed by hand. Times are seconds after the midnight that begins 2024."""

from datetime import date, datetime, timedelta

import pytest

from tests.oracle import GRAINS, MARTS
from tests.oracle.jobs import jobs_of

MIDNIGHT = 1_704_067_200
HOUR = 3600
DAY = 24 * HOUR
GPUS = {"ml.p3.8xlarge": 4, "ml.m5.large": 0, "ml.unlisted": None}
UNKNOWN_GPUS = {"instance_type": "ml.unlisted"}


def job(*transitions, status="Completed", created=0, instance_type="ml.p3.8xlarge", count=1, name="a", **members):
    """A document; ``transitions``: (status, start, end), None where a time is absent. Other members as in the API."""
    document = {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:012345678901:training-job/{name}",
        "TrainingJobStatus": status,
        "CreationTime": MIDNIGHT + created,
        "ResourceConfig": {"InstanceType": instance_type, "InstanceCount": count},
        "SecondaryStatusTransitions": [
            {"Status": status} | {name: MIDNIGHT + time for name, time in times.items() if time is not None}
            for status, start, end in transitions
            for times in [{"StartTime": start, "EndTime": end}]
        ],
    }
    return document | {name: MIDNIGHT + value if name.endswith("Time") else value for name, value in members.items()}


def ran(start, end, **members):
    """A job without transitions that ran, created as it started unless said otherwise."""
    return job(**({"created": start} | members), TrainingStartTime=start, TrainingEndTime=end)


def waited(wait, **members):
    """A job that never started."""
    created = members.get("created", 0)
    return job(("Pending", created, created + wait), status="Stopped", **members)


def rows(mart, *documents, as_of=100 * DAY):
    return MARTS[mart](jobs_of(documents, MIDNIGHT + as_of, GPUS))


def one(mart, *documents, **arguments):
    (row,) = rows(mart, *documents, **arguments)
    return row


def fact(document, **arguments):
    return one("fct_training_jobs", document, **arguments)


def columns(mart, names, *documents, **arguments):
    """The named columns of each row, as tuples; times as seconds after midnight."""
    return [tuple(plain(row[name]) for name in names.split()) for row in rows(mart, *documents, **arguments)]


def plain(value):
    return (value - datetime(2024, 1, 1)) / timedelta(seconds=1) if isinstance(value, datetime) else value


def visits(document, names="secondary_status start_time end_time", **arguments):
    found = rows("fct_secondary_status_visits", document, **arguments)
    assert [row["visit_index"] for row in found] == list(range(1, len(found) + 1))
    assert sum(row["duration_seconds"] for row in found) == fact(document, **arguments)["lifetime_seconds"]
    return columns("fct_secondary_status_visits", names, document, **arguments)


def hourly(names, *documents, mart="utilization_hourly", **arguments):
    return columns(mart, names, *documents, **arguments)


class TestVisits:
    def test_transitions_in_good_order_are_the_visits(self):
        told = [("Starting", 0, 10), ("Training", 10, 40), ("Completed", 40, 40)]
        assert visits(job(*told)) == told
        assert visits(job(*told), "phase attempt is_open is_derived") == [
            ("queue", 1, False, False),
            ("run", 1, False, False),
            ("terminal", 1, False, False),
        ]

    def test_holes_are_visits_of_their_own(self):
        document = job(("Starting", 5, 10), ("Training", 15, 40))
        assert visits(document) == [
            ("Unattributed", 0, 5),
            ("Starting", 5, 10),
            ("Unattributed", 10, 15),
            ("Training", 15, 40),
        ]
        assert visits(document, "phase") == [("unknown",), ("queue",), ("unknown",), ("run",)]

    def test_an_overlap_is_cut_off_and_told(self):
        document = job(("Starting", 0, 17), ("Training", 10, 40))
        assert visits(document) == [("Starting", 0, 10), ("Training", 10, 40)]
        assert visits(document, "overlap_seconds") == [(7,), (0,)]

    def test_a_negative_length_is_zero(self):
        document = job(("Starting", 0, 10), ("Pending", 10, 4), ("Training", 12, 40))
        assert visits(document) == [
            ("Starting", 0, 10),
            ("Pending", 10, 10),
            ("Unattributed", 10, 12),
            ("Training", 12, 40),
        ]
        assert visits(document, "overlap_seconds is_negative") == [(0, False), (0, True), (0, False), (0, False)]

    @pytest.mark.parametrize(("status", "is_negative"), [("Training", True), ("Completed", False)])
    def test_a_job_that_ends_before_its_last_status_began_is_told(self, status, is_negative):
        document = job(("Starting", 0, 20), (status, 20, None), TrainingEndTime=15)
        assert visits(document)[-1] == (status, 20, 20)
        assert visits(document, "is_negative") == [(False,), (is_negative,)]

    def test_nothing_starts_before_the_job(self):
        document = job(("Starting", 0, 5), ("Pending", 5, 22), ("Training", 25, 40), created=20)
        assert visits(document) == [
            ("Starting", 20, 20),
            ("Pending", 20, 22),
            ("Unattributed", 22, 25),
            ("Training", 25, 40),
        ]

    def test_a_missing_end_is_the_next_start(self):
        assert visits(job(("Starting", 0, None), ("Training", 10, 40)))[0] == ("Starting", 0, 10)

    def test_they_are_sorted_by_start_and_then_as_told(self):
        document = job(("Training", 10, 40), ("Pending", 5, 10), ("Starting", 0, 5), ("Updating", 5, 10))
        assert visits(document) == [
            ("Starting", 0, 5),
            ("Pending", 5, 5),
            ("Updating", 5, 10),
            ("Training", 10, 40),
        ]
        assert visits(document, "overlap_seconds") == [(0,), (5,), (0,), (0,)]

    def test_a_transition_without_a_start_is_ignored(self):
        assert visits(job(("Starting", 0, 10), ("Pending", None, 12))) == [("Starting", 0, 10)]

    @pytest.mark.parametrize(
        ("phase", "statuses"),
        [
            ("queue", "Starting Pending LaunchingMLInstances PreparingTrainingStack"),
            ("setup", "Downloading DownloadingTrainingImage"),
            ("run", "Training"),
            ("save", "Uploading"),
            ("interruption", "Interrupted Restarting"),
            ("teardown", "Stopping"),
            ("update", "Updating"),
            ("terminal", "Completed Failed Stopped MaxRuntimeExceeded MaxWaitTimeExceeded"),
            ("unknown", "Napping training"),
        ],
    )
    def test_phases(self, phase, statuses):
        for status in statuses.split():
            assert visits(job((status, 0, 10)), "secondary_status phase") == [(status, phase)]

    @pytest.mark.parametrize(
        ("members", "end"),
        [
            ({"TrainingEndTime": 30, "LastModifiedTime": 50}, 30),
            ({"LastModifiedTime": 50}, 50),
            ({}, 10),
            ({"TrainingEndTime": 5}, 10),
        ],
    )
    def test_an_ended_job_ends_though_its_last_transition_does_not_say_so(self, members, end):
        document = job(("Starting", 0, 10), ("Training", 10, None), **members)
        assert visits(document, as_of=100)[-1] == ("Training", 10, end)
        assert visits(document, "is_open")[-1] == (False,)

    @pytest.mark.parametrize("status", ["InProgress", "Stopping", "Deleting"])
    def test_an_open_job_lasts_until_it_was_observed(self, status):
        document = job(("Starting", 0, 10), ("Training", 10, None), status=status, LastModifiedTime=10)
        assert visits(document, as_of=100)[-1] == ("Training", 10, 100)
        assert visits(document, "is_open", as_of=100) == [(False,), (True,)]
        assert fact(document)["is_open"]

    def test_an_open_job_keeps_the_end_that_its_last_transition_tells(self):
        document = job(("Starting", 0, 10), status="InProgress")
        assert visits(document, as_of=100) == [("Starting", 0, 10)]
        assert visits(document, "is_open", as_of=100) == [(False,)]

    def test_attempts_are_counted_by_interruptions(self):
        statuses = ["Starting", "Training", "Interrupted", "Starting", "Restarting", "Training"]
        document = job(*((status, 10 * index, 10 * index + 10) for index, status in enumerate(statuses)))
        assert visits(document, "attempt") == [(1,), (1,), (1,), (2,), (2,), (3,)]

    def test_a_hole_after_an_interruption_belongs_to_the_next_attempt(self):
        document = job(("Interrupted", 0, 10), ("Training", 20, 30))
        assert visits(document, "secondary_status attempt") == [
            ("Interrupted", 1),
            ("Unattributed", 2),
            ("Training", 2),
        ]

    @pytest.mark.parametrize(
        ("document", "expected"),
        [
            (
                job(TrainingStartTime=10, TrainingEndTime=40, LastModifiedTime=50),
                [("Starting", 0, 10), ("Training", 10, 40)],
            ),
            (job(TrainingStartTime=10, LastModifiedTime=50), [("Starting", 0, 10), ("Training", 10, 50)]),
            (job(TrainingStartTime=10), [("Starting", 0, 10), ("Training", 10, 10)]),
            (job(created=20, TrainingStartTime=10, TrainingEndTime=40), [("Starting", 20, 20), ("Training", 20, 40)]),
            (job(LastModifiedTime=25), [("Starting", 0, 25)]),
            (job(), [("Starting", 0, 0)]),
            (job(status="InProgress", TrainingStartTime=10), [("Starting", 0, 10), ("Training", 10, 100)]),
            (job(status="InProgress"), [("Starting", 0, 100)]),
        ],
    )
    def test_a_job_without_transitions_has_derived_visits(self, document, expected):
        assert visits(document, as_of=100) == expected
        is_open = document["TrainingJobStatus"] == "InProgress"
        flags = [(True, False)] * (len(expected) - 1) + [(True, is_open)]
        assert visits(document, "is_derived is_open", as_of=100) == flags


class TestJobs:
    @pytest.mark.parametrize(
        ("document", "observed"),
        [
            (job(), 100),
            (job(LastModifiedTime=150), 150),
            (job(("Starting", 0, 10), ("Training", 160, None), LastModifiedTime=150), 160),
            (job(created=170), 170),
        ],
    )
    def test_observed_at_is_the_newest_that_is_known_of_it(self, document, observed):
        assert plain(fact(document, as_of=100)["observed_at"]) == observed

    @pytest.mark.parametrize(
        ("document", "wait"),
        [
            (job(TrainingStartTime=15), 15),
            (job(("Starting", 0, 12), ("Downloading", 12, 15), ("Training", 15, 20)), 12),
            (job(("Starting", 0, 12), ("Training", 12, 20), TrainingStartTime=15), 15),
            (job(created=20, TrainingStartTime=15), 0),
        ],
    )
    def test_a_job_starts_at_its_start_time_or_when_it_first_works(self, document, wait):
        row = fact(document)
        assert row["is_started"]
        assert row["queue_wait_seconds"] == wait

    def test_a_job_that_never_started(self):
        row = fact(waited(30))
        assert (row["is_started"], row["is_never_started"], row["is_ended"]) == (False, True, True)
        assert (row["queue_wait_seconds"], row["run_seconds"], row["lifetime_seconds"]) == (None, None, 30)
        assert (row["instance_hours"], row["gpu_hours"]) == (0, 0)

    def test_a_job_that_still_waits_may_start_yet(self):
        row = fact(job(("Pending", 0, None), status="InProgress"))
        assert (row["is_started"], row["is_never_started"], row["is_ended"]) == (False, False, False)

    @pytest.mark.parametrize(
        ("document", "run"),
        [
            (job(TrainingStartTime=10, TrainingEndTime=70, LastModifiedTime=90), 60),
            (job(("Training", 10, 70), TrainingStartTime=10), 60),
            (job(TrainingStartTime=10, TrainingEndTime=5), 0),
        ],
    )
    def test_a_run_lasts_until_its_end_or_that_of_its_life(self, document, run):
        row = fact(document)
        assert row["run_seconds"] == run
        assert row["instance_hours"] == run / HOUR

    @pytest.mark.parametrize(
        ("transitions", "run"),
        [
            ([("Training", 10, 100), ("Uploading", 100, 110), ("Failed", 110, None)], 100),
            ([("Training", 10, 100), ("Failed", 100, 100)], 90),
            ([("Training", 10, 100), ("Stopping", 100, 130), ("Stopped", 130, None)], 120),
            ([("Training", 10, 100), ("Failed", 200, None)], 90),
            ([("Training", 10, None)], 17990),
        ],
    )
    def test_a_run_without_its_end_lasts_as_long_as_statuses_that_hold_instances(self, transitions, run):
        row = fact(job(*transitions, status="Failed", LastModifiedTime=18000))
        assert (row["run_seconds"], row["instance_hours"]) == (run, run / HOUR)

    def test_a_run_told_to_start_before_its_job_is_as_long_as_told(self):
        row = fact(ran(-HOUR, 2 * HOUR, created=0))
        assert (row["queue_wait_seconds"], row["run_seconds"], row["instance_hours"]) == (0, 3 * HOUR, 3)
        assert row["lifetime_seconds"] == 2 * HOUR

    def test_what_lies_beyond_what_could_be_seen_is_as_not_told(self):
        document = job(
            ("Starting", 0, 10),
            ("Training", 10, 9999 * DAY),
            ("Uploading", 9999 * DAY, None),
            status="InProgress",
            LastModifiedTime=9999 * DAY,
        )
        assert visits(document, as_of=100) == [("Starting", 0, 10), ("Training", 10, 100)]
        row = fact(document, as_of=100)
        assert row["has_future_times"]
        assert plain(row["observed_at"]) == 100
        assert not fact(document, as_of=9999 * DAY)["has_future_times"]

    @pytest.mark.parametrize("count", [-1, 1_000_001])
    def test_counts_that_cannot_be_are_unknown(self, count):
        row = fact(ran(0, HOUR, count=count, BillableTimeInSeconds=-5))
        assert (row["instance_count"], row["instance_hours"], row["billable_seconds"]) == (None, None, None)

    def test_an_open_run_has_no_length_yet_but_hours(self):
        row = fact(job(("Training", 0, None), status="InProgress", count=3), as_of=2 * HOUR)
        assert (row["run_seconds"], row["instance_hours"], row["gpu_hours"]) == (None, 6, 24)

    def test_hours_are_those_of_all_instances(self):
        row = fact(ran(0, 1800, count=4, BillableTimeInSeconds=900))
        assert (row["instance_hours"], row["gpu_hours"]) == (2, 8)
        assert (row["billable_seconds"], row["billable_instance_hours"]) == (900, 1)
        assert fact(ran(0, 1800))["billable_instance_hours"] is None

    @pytest.mark.parametrize(
        ("config", "instance_type", "instances", "gpus"),
        [
            ({"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2}, "ml.p3.8xlarge", 2, 8),
            ({"InstanceType": "ml.m5.large", "InstanceCount": 2}, "ml.m5.large", 2, 0),
            ({"InstanceType": "ml.unlisted", "InstanceCount": 2}, "ml.unlisted", 2, None),
            ({"InstanceType": "ml.never.heard", "InstanceCount": 2}, "ml.never.heard", 2, None),
            ({"InstanceType": "", "InstanceCount": 2}, "unknown", 2, None),
            ({"InstanceType": "ml.p3.8xlarge"}, "ml.p3.8xlarge", None, None),
            ({}, "unknown", None, None),
        ],
    )
    def test_size(self, config, instance_type, instances, gpus):
        row = fact(ran(0, HOUR) | {"ResourceConfig": config})
        assert (row["instance_type"], row["instance_count"], row["gpu_count"]) == (instance_type, instances, gpus)
        assert (row["instance_hours"], row["gpu_hours"]) == (instances, gpus)

    def test_a_group_without_a_count_makes_the_whole_unknown(self):
        groups = [{"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2}, {"InstanceType": "ml.p3.8xlarge"}]
        row = fact(job() | {"ResourceConfig": {"InstanceGroups": groups}})
        assert (row["instance_count"], row["gpu_count"]) == (None, None)

    @pytest.mark.parametrize(("other", "gpus"), [("ml.m5.large", 8), ("ml.unlisted", None), ("ml.never.heard", None)])
    def test_a_heterogeneous_job_is_the_sum_of_its_groups(self, other, gpus):
        groups = [
            {"InstanceGroupName": "x", "InstanceType": "ml.p3.8xlarge", "InstanceCount": 2},
            {"InstanceGroupName": "y", "InstanceType": other, "InstanceCount": 3},
        ]
        config = {"InstanceType": None, "InstanceCount": 0, "InstanceGroups": groups}
        row = fact(job() | {"ResourceConfig": config})
        assert (row["instance_type"], row["instance_count"], row["gpu_count"]) == ("heterogeneous", 5, gpus)

    def test_what_is_said_of_the_rest(self):
        arn = "arn:aws:sagemaker:eu-west-1:012345678901:hyper-parameter-tuning-job/t"
        row = fact(job(EnableManagedSpotTraining=True, TuningJobArn=arn))
        assert (row["account_id"], row["region"], row["is_spot"]) == ("012345678901", "eu-west-1", True)
        assert row["tuning_job_arn"] == arn
        assert fact(job(TuningJobArn=""))["tuning_job_arn"] is None
        assert fact(job(EnableManagedSpotTraining=None))["is_spot"] is False


class TestStatusTime:
    def test_quantiles_are_of_the_totals_of_each_job(self):
        documents = [
            job(("Pending", 0, 10), ("Training", 10, 40)),
            job(("Pending", 0, 5), ("Training", 5, 65), ("Pending", 65, 80), name="b"),
        ]
        pending, training = rows("secondary_status_time", *documents)
        assert (pending["secondary_status"], pending["phase"]) == ("Pending", "queue")
        assert (pending["jobs"], pending["visits"], pending["seconds"]) == (2, 3, 30)
        assert (pending["lifetime_share"], pending["mean_seconds"]) == (0.25, 15)
        assert (pending["p50_seconds"], pending["p90_seconds"], pending["p99_seconds"]) == (15, 19, 19.9)
        assert (training["jobs"], training["visits"], training["seconds"]) == (2, 2, 90)
        assert (training["lifetime_share"], training["p90_seconds"]) == (0.75, 57)

    def test_dimensions_are_apart(self):
        documents = [ran(0, 10), ran(0, 10, name="b", EnableManagedSpotTraining=True)]
        found = columns("secondary_status_time", "is_spot secondary_status lifetime_share", *documents)
        assert found == [(False, "Starting", 0), (False, "Training", 1), (True, "Starting", 0), (True, "Training", 1)]

    def test_jobs_without_a_life_have_no_share(self):
        assert columns("secondary_status_time", "seconds lifetime_share", job()) == [(0, None)]

    def test_seconds_are_prorated_over_days(self):
        document = job(
            ("Training", 23 * HOUR, 50 * HOUR), ("Completed", 50 * HOUR, 50 * HOUR), created=23 * HOUR, count=2
        )
        names = "date secondary_status visits seconds instance_seconds"
        assert columns("secondary_status_time_daily", names, document) == [
            (date(2024, 1, 1), "Training", 1, HOUR, 2 * HOUR),
            (date(2024, 1, 2), "Training", 0, DAY, 2 * DAY),
            (date(2024, 1, 3), "Training", 0, 2 * HOUR, 4 * HOUR),
            (date(2024, 1, 3), "Completed", 1, 0, 0),
        ]

    def test_midnight_belongs_to_the_day_it_begins(self):
        document = job(("Training", 0, DAY), ("Completed", DAY, DAY))
        assert columns("secondary_status_time_daily", "date secondary_status visits seconds", document) == [
            (date(2024, 1, 1), "Training", 1, DAY),
            (date(2024, 1, 2), "Completed", 1, 0),
        ]

    def test_instances_that_are_unknown_are_left_out_of_a_sum(self):
        unknown = job(("Training", 0, 10), count=None)
        known = job(("Training", 0, 10), count=3, name="b")
        names = "seconds instance_seconds"
        assert columns("secondary_status_time_daily", names, unknown) == [(10, None)]
        assert columns("secondary_status_time_daily", names, unknown, known) == [(20, 30)]


class TestFailureRates:
    RATES = "failure_rate failure_rate_strict failure_rate_all"
    COUNTS = "submitted_jobs completed_jobs failed_jobs stopped_jobs started_and_ended_jobs"

    def test_three_rates(self):
        documents = [
            ran(0, 10, status="Failed"),
            job(status="Failed"),
            ran(0, 10),
            ran(0, 10),
            ran(0, 10, status="Stopped"),
            ran(0, 10, status="InProgress"),
        ]
        assert columns("failure_rates", self.COUNTS, *documents) == [(6, 2, 2, 1, 4)]
        assert columns("failure_rates", self.RATES, *documents) == [(1 / 4, 2 / 4, 2 / 6)]

    @pytest.mark.parametrize(
        ("failed", "ended", "low", "high"),
        [(1, 10, 0.017876, 0.404150), (0, 10, 0, 0.277533), (10, 10, 0.722467, 1)],
    )
    def test_wilson_interval(self, failed, ended, low, high):
        documents = [ran(0, 10, status="Failed")] * failed + [ran(0, 10)] * (ended - failed)
        row = one("failure_rates", *documents)
        assert (row["failure_rate_low"], row["failure_rate_high"]) == pytest.approx((low, high), abs=1e-6)
        assert 0 <= row["failure_rate_low"] < row["failure_rate_high"] <= 1

    @pytest.mark.parametrize(("ended", "is_small"), [(19, True), (20, False)])
    def test_small_samples_are_marked(self, ended, is_small):
        assert one("failure_rates", *[ran(0, 10)] * ended)["is_small_sample"] is is_small

    @pytest.mark.parametrize("bucket", ["", "_daily", "_monthly", "_by_cohort"])
    @pytest.mark.parametrize(("judged", "is_small"), [(19, True), (20, False)])
    def test_small_samples_of_the_strict_rate_are_marked(self, bucket, judged, is_small):
        # Of these it takes also what never started, but nothing that was stopped.
        stopped = [ran(0, 10, status="Stopped")] * 20
        documents = [job(("Pending", 0, 10), status="Failed"), *[ran(0, 10)] * (judged - 1), *stopped]
        names = "is_small_sample is_small_sample_strict"
        assert columns(f"failure_rates{bucket}", names, *documents) == [(False, is_small)]

    def test_no_jobs_have_a_row_without_rates(self):
        assert columns("failure_rates", self.COUNTS) == [(0, 0, 0, 0, 0)]
        names = f"{self.RATES} failure_rate_low failure_rate_high is_small_sample"
        assert columns("failure_rates", names) == [(None, None, None, None, None, True)]
        assert rows("failure_rates_daily") == rows("failure_rates_monthly") == []

    def test_jobs_are_submitted_when_created_and_the_rest_when_their_life_ends(self):
        document = ran(31 * DAY - HOUR, 31 * DAY, status="Failed")
        for mart, submitted in (
            ("failure_rates_daily", date(2024, 1, 31)),
            ("failure_rates_monthly", date(2024, 1, 1)),
        ):
            found = columns(mart, f"date {self.COUNTS} {self.RATES}", document)
            assert sorted(found) == [
                (submitted, 1, 0, 0, 0, 0, None, None, 0),
                (date(2024, 2, 1), 0, 0, 1, 0, 1, 1, 1, None),
            ]

    def test_shares_of_final_statuses(self):
        documents = [ran(0, 3 * HOUR), ran(0, HOUR, status="Failed"), waited(10), ran(0, HOUR, status="InProgress")]
        names = "training_job_status jobs job_share instance_hours instance_hour_share gpu_hours gpu_hour_share"
        assert columns("final_status_shares", names, *documents) == [
            ("Completed", 1, 1 / 3, 3, 0.75, 12, 0.75),
            ("Failed", 1, 1 / 3, 1, 0.25, 4, 0.25),
            ("Stopped", 1, 1 / 3, 0, 0, 0, 0),
        ]

    def test_shares_of_final_statuses_in_those_that_started(self):
        documents = [ran(0, HOUR), ran(0, HOUR, status="Failed"), ran(0, HOUR, status="Failed"), waited(10)]
        names = "training_job_status jobs job_share started_jobs started_job_share"
        assert columns("final_status_shares", names, *documents) == [
            ("Completed", 1, 0.25, 1, 1 / 3),
            ("Failed", 2, 0.5, 2, 2 / 3),
            ("Stopped", 1, 0.25, 0, 0),
        ]
        assert columns("final_status_shares", "started_jobs started_job_share", waited(10)) == [(0, None)]

    def test_hours_nobody_knows_have_no_share(self):
        names = "instance_hours instance_hour_share gpu_hours gpu_hour_share"
        assert columns("final_status_shares", names, ran(0, HOUR, **UNKNOWN_GPUS)) == [(1, 1, None, None)]
        assert columns("final_status_shares", names, waited(10)) == [(0, None, 0, None)]


class TestHourlyUtilization:
    def test_a_run_is_prorated_over_the_hours_it_touches(self):
        found = hourly(
            "hour active_jobs mean_jobs peak_instances mean_instances instance_hours peak_gpus mean_gpus gpu_hours",
            ran(HOUR // 2, 9 * HOUR // 4, count=2),
        )
        assert found == [
            (0, 1, 0.5, 2, 1, 1, 8, 4, 4),
            (HOUR, 1, 1, 2, 2, 2, 8, 8, 8),
            (2 * HOUR, 1, 0.25, 2, 0.5, 0.5, 8, 2, 2),
        ]

    @pytest.mark.parametrize(("end", "peak"), [(600, 1), (601, 2), (599, 1)])
    def test_events_of_one_instant_are_netted(self, end, peak):
        names = "active_jobs peak_jobs peak_instances peak_gpus"
        assert hourly(names, ran(0, end), ran(600, 1200)) == [(2, peak, peak, 4 * peak)]

    def test_many_small_jobs_may_peak_where_instances_do_not(self):
        found = hourly("peak_jobs peak_instances", ran(0, 10, count=5), ran(20, 30), ran(20, 30))
        assert found == [(2, 5)]

    def test_a_peak_includes_the_level_carried_in(self):
        assert hourly(
            "hour active_jobs peak_jobs", ran(0, HOUR + 10), ran(0, HOUR + 10), ran(HOUR + 10, HOUR + 20)
        ) == [
            (0, 2, 2),
            (HOUR, 3, 2),
        ]

    def test_who_ends_with_the_hour_is_not_in_the_next(self):
        assert hourly("hour active_jobs peak_jobs", ran(0, HOUR), ran(HOUR, 2 * HOUR)) == [(0, 1, 1), (HOUR, 1, 1)]

    def test_a_run_of_no_length_is_active_in_its_hour_and_uses_nothing(self):
        names = "hour active_jobs peak_jobs mean_jobs instance_hours"
        assert hourly(names, ran(10, 10)) == [(0, 1, 0, 0, 0)]
        assert hourly("hour", ran(HOUR, HOUR)) == []
        assert hourly("active_jobs peak_jobs", ran(10, 10), ran(0, 20)) == [(2, 1)]

    def test_an_open_job_is_active_until_it_was_observed(self):
        document = ran(0, HOUR) | {"TrainingJobStatus": "InProgress", "TrainingEndTime": None}
        assert hourly("hour instance_hours", document, as_of=3 * HOUR // 2) == [(0, 1), (HOUR, 0.5)]

    def test_sizes_that_are_unknown(self):
        names = "active_jobs gpu_known_jobs peak_instances peak_gpus mean_gpus gpu_hours"
        unknown, known = ran(0, HOUR, **UNKNOWN_GPUS), ran(0, HOUR, count=2)
        assert hourly(names, unknown) == [(1, 0, 1, None, None, None)]
        assert hourly(names, ran(0, HOUR, count=None)) == [(1, 0, 0, None, None, None)]
        fleet = hourly(names, unknown, known, mart="fleet_utilization_hourly")
        assert fleet[0] == (2, 1, 3, 8, 8, 8)
        assert fleet[1] == (0, 0, 0, 0, 0, 0)

    def test_the_fleet_has_every_hour_of_its_days(self):
        documents = [
            ran(5 * HOUR, 6 * HOUR),
            ran(25 * HOUR, 26 * HOUR, instance_type="ml.m5.large", count=3),
            waited(DAY),
        ]
        found = hourly("hour peak_jobs instance_hours gpu_hours", *documents, mart="fleet_utilization_hourly")
        busy = {5: (1, 1, 4), 25: (1, 3, 0)}
        assert found == [(hour * HOUR, *busy.get(hour, (0, 0, 0))) for hour in range(48)]

    def test_the_fleet_adds_up_what_is_alike_or_not(self):
        documents = [ran(0, HOUR), ran(0, HOUR, instance_type="ml.m5.large"), ran(HOUR, 2 * HOUR)]
        found = hourly("hour peak_jobs peak_instances peak_gpus", *documents, mart="fleet_utilization_hourly")
        assert found[:3] == [(0, 2, 2, 4), (HOUR, 1, 1, 4), (2 * HOUR, 0, 0, 0)]
        assert len(rows("utilization_hourly", *documents)) == 3

    def test_a_fleet_that_never_ran_has_no_hours(self):
        assert rows("fleet_utilization_hourly", waited(10)) == []


class TestDailyUtilization:
    COUNTS = "date submitted_jobs started_jobs ended_jobs"

    def daily(self, names, *documents):
        return sorted(columns("utilization_daily", names, *documents))

    def test_counts_hours_and_the_share_of_training(self):
        told = [("Starting", 6 * HOUR, 12 * HOUR), ("Training", 12 * HOUR, 36 * HOUR)]
        document = job(*told, created=6 * HOUR, count=2, BillableTimeInSeconds=12 * HOUR, TrainingStartTime=12 * HOUR)
        names = f"{self.COUNTS} instance_hours gpu_hours billable_instance_hours training_share"
        assert self.daily(names, document) == [
            (date(2024, 1, 1), 1, 1, 0, 24, 96, 12, 12 / 18),
            (date(2024, 1, 2), 0, 0, 1, 24, 96, 12, 1),
        ]

    def test_billable_time_is_spread_in_whole_microseconds_that_add_up(self):
        found = self.daily("date billable_instance_hours", ran(0, 3 * DAY, BillableTimeInSeconds=1))
        # The job's last instant is the first of the fourth day, on which it ended.
        assert [round(hours * 3_600_000_000) for _, hours in found] == [333_333, 333_333, 333_334, 0]

    @pytest.mark.parametrize(
        "document",
        [
            ran(DAY, DAY, created=0, BillableTimeInSeconds=HOUR),
            job(("Pending", 0, DAY), status="Stopped", BillableTimeInSeconds=HOUR),
        ],
    )
    def test_billable_time_without_a_run_is_of_the_day_on_which_life_ended(self, document):
        found = self.daily("date billable_instance_hours", document)
        assert found == [(date(2024, 1, 1), 0), (date(2024, 1, 2), 1)]

    def test_a_job_without_a_life_has_no_share(self):
        assert self.daily(f"{self.COUNTS} training_share", job()) == [(date(2024, 1, 1), 1, 0, 1, None)]

    def test_days_on_which_nothing_was_have_no_row(self):
        assert self.daily("date", ran(0, 10), ran(2 * DAY, 2 * DAY + 10)) == [(date(2024, 1, 1),), (date(2024, 1, 3),)]

    def test_gpus_that_are_unknown(self):
        assert self.daily("instance_hours gpu_hours", ran(0, HOUR, **UNKNOWN_GPUS)) == [(1, None)]
        assert self.daily("instance_hours gpu_hours", waited(10, **UNKNOWN_GPUS)) == [(0, 0)]

    def test_bills_that_are_unknown(self):
        names = "date instance_hours billable_instance_hours"
        first, second = date(2024, 1, 1), date(2024, 1, 2)
        assert self.daily(names, ran(0, HOUR), waited(9, created=DAY)) == [(first, 1, None), (second, 0, 0)]
        # A bill says nothing of days on which its job did not run, nor one without a run.
        billed = ran(0, HOUR, created=DAY, BillableTimeInSeconds=HOUR)
        assert self.daily(names, billed, ran(DAY, DAY + HOUR)) == [(first, 1, 1), (second, 1, None)]
        assert self.daily(names, ran(0, HOUR), ran(0, HOUR, BillableTimeInSeconds=HOUR)) == [(first, 2, 1)]
        assert self.daily(names, ran(0, HOUR), waited(9, BillableTimeInSeconds=0)) == [(first, 1, None)]


class TestQueueWait:
    def test_plain_and_with_those_who_did_not_wait_to_the_end(self):
        documents = [
            ran(1, 10, created=0),
            ran(3, 10, created=0),
            ran(3, 10, created=0),
            waited(2),
            job(("Pending", 0, None), status="InProgress"),
        ]
        row = one("queue_wait", *documents, as_of=3)
        assert (row["started_jobs"], row["never_started_jobs"], row["abandoned_seconds"]) == (3, 1, 2)
        assert (row["mean_seconds"], row["p50_seconds"], row["p90_seconds"]) == (7 / 3, 3, 3)
        # Survival: 4/5 after 1 s; the one that still waits at 3 s is at risk there: 4/5 x 1/3 = 0.27, never 0.1.
        assert (row["km_p50_seconds"], row["km_p90_seconds"]) == (3, None)

    def test_those_who_gave_up_make_the_median_longer(self):
        started = [ran(1, 9, created=0), ran(4, 9, created=0)]
        assert one("queue_wait", *started)["km_p50_seconds"] == 1
        assert one("queue_wait", *started, waited(2), waited(3))["km_p50_seconds"] == 4

    def test_survival_of_exactly_one_half_is_the_median(self):
        assert one("queue_wait", ran(1, 9, created=0), ran(2, 9, created=0))["km_p50_seconds"] == 1

    def test_quantiles_are_interpolated(self):
        row = one("queue_wait", *(ran(wait, 1000, created=0) for wait in (0, 10, 20, 40)))
        assert (row["p50_seconds"], row["p90_seconds"], row["p99_seconds"]) == (15, 34, 39.4)
        assert (row["km_p50_seconds"], row["km_p90_seconds"]) == (10, 40)

    def test_no_jobs_have_a_row(self):
        names = "started_jobs never_started_jobs mean_seconds p50_seconds km_p50_seconds abandoned_seconds"
        assert columns("queue_wait", names) == [(0, 0, None, None, None, 0)]
        assert rows("queue_wait_monthly") == []

    def test_months_are_those_of_creation(self):
        documents = [ran(31 * DAY, 32 * DAY, created=31 * DAY - 5), waited(7, created=31 * DAY)]
        names = "date started_jobs never_started_jobs p50_seconds abandoned_seconds"
        assert columns("queue_wait_monthly", names, *documents) == [
            (date(2024, 1, 1), 1, 0, 5, 0),
            (date(2024, 2, 1), 0, 1, None, 7),
        ]

    def test_instance_types_and_places_are_apart(self):
        elsewhere = ran(7, 10, created=0)
        elsewhere["TrainingJobArn"] = elsewhere["TrainingJobArn"].replace("eu-west-1", "us-east-1")
        documents = [
            *(ran(1, 10, created=0), ran(4, 10, created=0), waited(2), waited(3)),
            *(elsewhere, ran(5, 10, created=0, EnableManagedSpotTraining=True), waited(6, instance_type="ml.m5.large")),
        ]
        names = "region instance_type is_spot started_jobs never_started_jobs p50_seconds km_p50_seconds"
        found = columns("queue_wait_by_instance_type", f"{names} abandoned_seconds", *documents)
        assert sorted(found) == [
            ("eu-west-1", "ml.m5.large", False, 0, 1, None, None, 6),
            ("eu-west-1", "ml.p3.8xlarge", False, 2, 2, 2.5, 4, 5),
            ("eu-west-1", "ml.p3.8xlarge", True, 1, 0, 5, 5, 0),
            ("us-east-1", "ml.p3.8xlarge", False, 1, 0, 7, 7, 0),
        ]

    @pytest.mark.parametrize("mart", ["queue_wait", "queue_wait_monthly", "queue_wait_by_instance_type"])
    @pytest.mark.parametrize(("started", "is_small"), [(19, True), (20, False)])
    def test_few_jobs_that_started_are_a_small_sample(self, mart, started, is_small):
        documents = [ran(1, 9, created=0)] * started + [waited(2)] * 2
        assert columns(mart, "is_small_sample", *documents) == [(is_small,)]


def test_rows_carry_the_columns_of_their_grain():
    for name, grain in GRAINS.items():
        for row in rows(name, ran(0, HOUR)):
            assert set(grain) <= row.keys(), name


@pytest.mark.parametrize(
    "mart",
    [
        *("secondary_status_time", "secondary_status_time_by_attempt", "slowdown", "goodput_monthly"),
        *("job_size_quantiles", "final_metrics_by_group"),
    ],
)
@pytest.mark.parametrize(("jobs", "is_small"), [(19, True), (20, False)])
def test_small_groups_are_marked(mart, jobs, is_small):
    told = {"FinalMetricDataList": [{"MetricName": "loss", "Value": 1}], "TuningJobArn": "arn:t"}
    documents = [job(("Training", 0, 10), name=str(number), **told) for number in range(jobs)]
    assert set(columns(mart, "is_small_sample", *documents)) == {(is_small,)}
