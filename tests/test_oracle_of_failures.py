"""The oracle of failures, waste and retries, against cases computed by hand. Times are seconds after a midnight."""

from datetime import date

import pytest

from tests.test_oracle import DAY, HOUR, UNKNOWN_GPUS, columns, job, one, ran, rows, waited

WORK = {"RoleArn": "arn:aws:iam::012345678901:role/r", "HyperParameters": {"sagemaker_program": '"train.py"'}}
CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"}}
XID = "AlgorithmError: NVRM: Xid (PCI:0000:10:1c): 79, GPU has fallen off the bus."
KEY_ERROR = "AlgorithmError: KeyError: 'a', exit code: 1"


def tried(start, end, name, status="Failed", **members):
    """A job of one and the same work, which trained from its creation on."""
    told = [("Training", start, end), (status, end, end)]
    return job(*told, created=start, name=name, status=status, TrainingEndTime=end, **(WORK | members))


def chains(*documents, names="jobs"):
    return sorted(columns("fct_retry_chains", names, *documents))


class TestRetries:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({}, {"start": HOUR}),
            ({}, {"start": HOUR + DAY - 1}),
            ({"status": "Stopped"}, {"start": HOUR}),
            ({}, {"start": HOUR, "HyperParameters": {"sagemaker_program": "train.py", "lr": "1"}}),
            ({}, {"start": 2 * HOUR, "status": "InProgress"}),
            ({"TuningJobArn": "t"}, {"start": HOUR}),
            ({"TuningJobArn": "t"}, {"start": HOUR, "TuningJobArn": "u"}),
            ({"TuningJobArn": "t"}, {"start": HOUR, "AutoMLJobArn": "t"}),
        ],
    )
    def test_what_is_begun_again_within_a_day_is_a_retry(self, first, second):
        start = second.pop("start")
        documents = [tried(0, HOUR, "a", **first), tried(start, start + HOUR, "b", **second)]
        assert chains(*documents) == [(2,)]

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({}, {"start": HOUR - 1}),
            ({}, {"start": HOUR + DAY}),
            ({"status": "Completed"}, {"start": HOUR}),
            ({"status": "InProgress"}, {"start": HOUR}),
            ({}, {"start": HOUR, "HyperParameters": {"sagemaker_program": "other.py"}}),
            ({}, {"start": HOUR, "RoleArn": "arn:aws:iam::012345678901:role/other"}),
            ({"TuningJobArn": "t"}, {"start": HOUR, "TuningJobArn": "t"}),
            ({"AutoMLJobArn": "t"}, {"start": HOUR, "AutoMLJobArn": "t"}),
            ({"TuningJobArn": "t", "AutoMLJobArn": "a"}, {"start": HOUR, "TuningJobArn": "u", "AutoMLJobArn": "a"}),
        ],
    )
    def test_anything_else_is_not(self, first, second):
        start = second.pop("start")
        documents = [tried(0, HOUR, "a", **first), tried(start, start + HOUR, "b", **second)]
        assert chains(*documents) == [(1,), (1,)]

    def test_without_a_program_image_and_hyperparameters_make_the_work(self):
        image = {"AlgorithmSpecification": {"TrainingImage": "xgboost:1"}}

        def with_rate(start, name, rate, **members):
            return tried(start, start + 1, name, HyperParameters={"b": "2", "lr": rate}, **(image | members))

        assert chains(with_rate(0, "a", "1"), with_rate(1, "b", "1")) == [(2,)]
        assert chains(with_rate(0, "a", "1"), with_rate(1, "b", "2")) == [(1,), (1,)]
        other = {"AlgorithmSpecification": {"TrainingImage": "xgboost:2"}}
        assert chains(with_rate(0, "a", "1"), with_rate(1, "b", "1", **other)) == [(1,), (1,)]

    def test_work_that_nobody_knows_is_never_the_same(self):
        assert chains(*(tried(start, start + 1, str(start), HyperParameters=None) for start in (0, 1))) == [(1,), (1,)]

    def test_a_chain_goes_on_while_it_fails(self):
        statuses = ["Failed", "Failed", "Completed", "Failed", "Stopped"]
        documents = [tried(at * HOUR, at * HOUR + 9, str(at), status=status) for at, status in enumerate(statuses)]
        names = "first_creation_time last_end_at jobs retries training_job_status"
        assert chains(*documents, names=names) == [
            (0, 2 * HOUR + 9, 3, 2, "Completed"),
            (3 * HOUR, 4 * HOUR + 9, 2, 1, "Stopped"),
        ]

    def test_a_chain_whose_last_job_has_no_status_has_none(self):
        documents = [tried(0, HOUR, "a"), tried(HOUR, 2 * HOUR, "b", status=None)]
        assert chains(*documents, names="jobs training_job_status is_open") == [(2, None, True)]

    def test_gpus_of_a_chain_are_told_with_the_share_that_is_known(self):
        documents = [tried(0, 3 * HOUR, "a", **UNKNOWN_GPUS), tried(3 * HOUR, 4 * HOUR, "b", "Completed")]
        assert chains(*documents, names="jobs gpu_hours gpu_known_share") == [(2, 4, 0.25)]


class TestEffectiveTrainingTime:
    RATIOS = "elapsed_seconds productive_seconds_low productive_seconds_high ettr_low ettr_high"

    def test_a_failed_attempt_counts_only_above(self):
        documents = [tried(0, 30, "a"), tried(40, 100, "b", status="Completed")]
        assert chains(*documents, names=self.RATIOS) == [(100, 60, 90, 0.6, 0.9)]

    def test_with_checkpoints_only_a_last_failure_is_lost(self):
        documents = [tried(0, 30, "a", **CHECKPOINTS), tried(40, 100, "b", status="Completed", **CHECKPOINTS)]
        assert chains(*documents, names=self.RATIOS) == [(100, 90, 90, 0.9, 0.9)]
        documents = [tried(0, 30, "a", **CHECKPOINTS), tried(40, 100, "b", **CHECKPOINTS)]
        assert chains(*documents, names=self.RATIOS) == [(100, 30, 90, 0.3, 0.9)]

    @pytest.mark.parametrize(("members", "low"), [({}, 50), (CHECKPOINTS, 80)])
    def test_interrupted_work_counts_below_if_it_was_saved(self, members, low):
        told = [("Training", 0, 30), ("Interrupted", 30, 40), ("Starting", 40, 50), ("Training", 50, 100)]
        assert chains(job(*told, **members), names=f"attempts {self.RATIOS}") == [(2, 100, low, 80, low / 100, 0.8)]

    @pytest.mark.parametrize(("members", "low"), [({}, 0), (CHECKPOINTS, 30)])
    def test_work_of_a_job_that_is_interrupted_now_counts_below_if_it_was_saved(self, members, low):
        document = job(("Training", 0, 30), ("Interrupted", 30, None), status="InProgress", **members)
        assert columns("fct_retry_chains", f"attempts {self.RATIOS}", document, as_of=40) == [
            (1, 40, low, 30, low / 40, 0.75)
        ]

    def test_an_open_chain_goes_up_to_when_it_was_seen(self):
        document = job(("Training", 10, None), status="InProgress")
        assert columns("fct_retry_chains", f"is_open {self.RATIOS}", document, as_of=110) == [
            (True, 110, 100, 100, 100 / 110, 100 / 110)
        ]

    def test_so_does_one_whose_last_status_is_over(self):
        document = job(("Training", 10, 60), status="InProgress")
        assert columns("fct_retry_chains", f"is_open {self.RATIOS}", document, as_of=110) == [
            (True, 110, 50, 50, 50 / 110, 50 / 110)
        ]

    def test_hours_weigh_by_instances(self):
        documents = [tried(0, HOUR, "a", count=3), tried(HOUR, 2 * HOUR, "b", status="Completed")]
        names = "date chains instance_hours productive_instance_hours_low productive_instance_hours_high"
        assert columns("goodput_monthly", f"{names} goodput_low goodput_high", *documents) == [
            (date(2024, 1, 1), 1, 4, 1, 4, 0.25, 1)
        ]


class TestStops:
    @pytest.mark.parametrize(
        ("members", "cause"),
        [
            ({"SecondaryStatus": "MaxRuntimeExceeded", "TuningJobArn": "t"}, "max_runtime_exceeded"),
            ({"SecondaryStatus": "MaxWaitTimeExceeded"}, "max_wait_time_exceeded"),
            ({"SecondaryStatus": "Stopped", "TuningJobArn": "t"}, "tuning_early_stop"),
            ({"SecondaryStatus": "Stopped"}, "user_or_api"),
            ({}, "user_or_api"),
        ],
    )
    def test_causes(self, members, cause):
        document = ran(0, HOUR, status="Stopped", **members)
        assert columns("stop_causes", "stop_cause jobs job_share instance_hours", document) == [(cause, 1, 1, 1)]
        (waste,) = rows("wasted_instance_hours", document)
        hours = (waste["wasted_instance_hours"], waste["user_stopped_instance_hours"])
        assert hours == ((0, 1) if cause == "user_or_api" else (1, 0))

    def test_those_that_never_started(self):
        documents = [waited(5, name="a"), ran(0, HOUR, status="Stopped", name="b")]
        assert columns("stop_causes", "jobs never_started_jobs instance_hours", *documents) == [(2, 1, 1)]


class TestFailures:
    def test_the_unknown_are_always_told(self):
        names = "failure_class failure_actor jobs job_share instance_hours"
        assert columns("failure_classes", names, ran(0, HOUR)) == [("unknown", None, 0, None, 0)]
        documents = [ran(0, HOUR, status="Failed", FailureReason=XID), ran(0, HOUR, status="Failed")]
        assert sorted(columns("failure_classes", names, *documents)) == [
            ("hardware", "aws", 1, 0.5, 1),
            ("unknown", None, 1, 0.5, 1),
        ]

    def test_trends_of_a_fingerprint(self):
        documents = [
            ran(at * DAY, at * DAY + 60, status="Failed", FailureReason=KEY_ERROR, name=str(at))
            for at in (0, 40, 60, 90, 95, 99)
        ]
        names = "jobs jobs_last_7_days jobs_previous_7_days jobs_last_28_days jobs_previous_28_days"
        assert columns("failure_fingerprints", names, *documents) == [(6, 2, 1, 3, 1)]
        assert columns("failure_fingerprints", "first_seen_at last_seen_at", *documents) == [(60, 99 * DAY + 60)]

    def test_a_failure_without_a_reason_has_no_fingerprint(self):
        assert rows("failure_fingerprints", ran(0, 1, status="Failed")) == []

    def test_failures_for_the_time_in_use(self):
        documents = [
            ran(0, 10 * DAY, count=2),
            ran(0, 5 * DAY, count=2, status="Failed", FailureReason=XID),
            ran(0, 10 * DAY, status="Failed", FailureReason=KEY_ERROR),
            ran(0, DAY, status="Failed", **UNKNOWN_GPUS),
            job(("Pending", 0, 5), status="Failed"),
        ]
        names = "size_bucket failure_scope failures node_days failures_per_1000_node_days mttf_node_hours"
        assert sorted(columns("failures_per_node_days", names, *documents)) == [
            ("2-4", "all", 1, 10, 100, 240),
            ("2-4", "infrastructure", 0, 10, 0, None),
            ("5-8", "all", 1, 30, 1000 / 30, 720),
            ("5-8", "infrastructure", 1, 30, 1000 / 30, 720),
            ("all", "all", 3, 41, 3000 / 41, 41 * 8),
            ("all", "infrastructure", 1, 41, 1000 / 41, 41 * 24),
            ("unknown", "all", 1, 1, 1000, 24),
            ("unknown", "infrastructure", 0, 1, 0, None),
        ]

    def test_failures_for_the_time_of_ended_jobs_beside_it(self):
        documents = [ran(0, 10 * DAY, status="Failed", FailureReason=XID), ran(0, 30 * DAY, status="InProgress")]
        names = "failures node_days open_node_days ended_node_days"
        names += " failures_per_1000_node_days failures_per_1000_ended_node_days mttf_ended_node_hours"
        found = columns("failures_per_node_days", f"size_bucket failure_scope {names}", *documents)
        assert ("all", "all", 1, 40, 30, 10, 25, 100, 240) in found

    def test_open_jobs_alone_have_no_rate_of_ended_ones(self):
        names = "failures_per_1000_node_days failures_per_1000_ended_node_days mttf_ended_node_hours_high"
        names += " failures_per_1000_ended_node_days_high mttf_ended_node_hours_low"
        found = columns("failures_per_node_days", names, ran(0, DAY, status="InProgress"))
        assert found[0] == (0, None, None, None, 0)

    def test_no_failures_have_an_interval(self):
        (row, _) = (row for row in rows("failures_per_node_days", ran(0, DAY)) if row["size_bucket"] == "all")
        assert row["failures_per_1000_node_days_low"] == 0
        assert row["failures_per_1000_node_days_high"] == pytest.approx(3688.879454113936)
        assert (row["mttf_node_hours_low"], row["mttf_node_hours_high"]) == (
            pytest.approx(24 / 3.688879454113936),
            None,
        )

    def test_cohorts_show_what_is_open(self):
        documents = [
            ran(0, 40 * DAY, status="Failed"),
            ran(0, HOUR, status="InProgress"),
            ran(32 * DAY, 33 * DAY),
        ]
        names = "date submitted_jobs open_jobs failed_jobs failure_rate"
        assert sorted(columns("failure_rates_by_cohort", names, *documents)) == [
            (date(2024, 1, 1), 2, 1, 1, 1),
            (date(2024, 2, 1), 1, 0, 0, 0),
        ]


def test_waste_of_a_job_that_completed():
    told = [
        ("Downloading", 0, 10),
        ("Training", 10, 30),
        ("Interrupted", 30, 50),
        ("Downloading", 50, 54),
        ("Training", 54, 90),
        ("Uploading", 90, 93),
    ]
    found = columns("wasted_instance_hours", "waste cause wasted_instance_hours wasted_gpu_hours", job(*told, count=2))
    assert sorted(found) == [
        ("save", "save", 6 / HOUR, 24 / HOUR),
        ("setup", "setup", 8 / HOUR, 32 / HOUR),
        ("superseded_attempts", "superseded_attempts", 60 / HOUR, 240 / HOUR),
    ]


def test_waste_of_a_job_that_is_interrupted_now():
    told = [("Downloading", 0, 10), ("Training", 10, 30), ("Interrupted", 30, None)]
    document = job(*told, status="InProgress")
    assert columns("wasted_instance_hours", "waste wasted_instance_hours", document, as_of=50) == [
        ("superseded_attempts", 30 / HOUR)
    ]


def test_a_job_that_failed_is_waste_once():
    told = [("Downloading", 0, 10), ("Training", 10, HOUR)]
    assert columns("wasted_instance_hours", "waste cause jobs wasted_instance_hours", job(*told, status="Failed")) == [
        ("failed_job", "unknown", 1, 1)
    ]
    assert one("wasted_instance_hours", job(*told, status="Failed"))["user_stopped_instance_hours"] == 0


class TestWasteOfUnknownGpus:
    NAMES = "wasted_gpu_hours user_stopped_gpu_hours gpu_known_share"

    def groups(self, *types):
        return {"ResourceConfig": {"InstanceGroups": [{"InstanceType": each, "InstanceCount": 1} for each in types]}}

    def test_they_are_not_none(self):
        failed, stopped = (ran(0, HOUR, status=status, **UNKNOWN_GPUS) for status in ("Failed", "Stopped"))
        assert columns("wasted_instance_hours", self.NAMES, failed) == [(None, 0, 0)]
        assert columns("wasted_instance_hours", self.NAMES, stopped) == [(0, None, 0)]

    def test_known_ones_beside_them_tell_how_much_is_known(self):
        documents = [
            ran(0, HOUR, status="Failed") | self.groups("ml.p3.8xlarge", "ml.m5.large"),
            ran(0, 3 * HOUR, status="Failed") | self.groups("ml.p3.8xlarge", "ml.unlisted"),
        ]
        assert columns("wasted_instance_hours", self.NAMES, *documents) == [(4, 0, 0.25)]


class TestWasteIsOfTheRun:
    NAMES = "waste jobs wasted_instance_hours"

    def test_setup_and_save_beside_it_used_no_instances(self):
        told = [("Downloading", 0, 10), ("Training", 10, 30), ("Uploading", 30, 50)]
        document = job(*told, TrainingStartTime=4, TrainingEndTime=36)
        assert columns("wasted_instance_hours", self.NAMES, document) == [
            ("setup", 1, 6 / HOUR),
            ("save", 1, 6 / HOUR),
        ]
        assert rows("wasted_instance_hours", job(*told, TrainingStartTime=10, TrainingEndTime=30)) == []

    def test_superseded_attempts_beside_it_used_none_either(self):
        told = [("Training", 0, 30), ("Interrupted", 30, 40), ("Training", 40, 60)]
        document = job(*told, TrainingStartTime=10, TrainingEndTime=60)
        assert columns("wasted_instance_hours", self.NAMES, document) == [("superseded_attempts", 1, 20 / HOUR)]

    @pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
    def test_jobs_that_never_started_wasted_nothing(self, status):
        document = job(("DownloadingTrainingImage", 0, 5), ("Uploading", 5, 9), status=status)
        assert rows("wasted_instance_hours", document) == []

    def test_they_are_not_counted_with_those_that_did(self):
        documents = [waited(5, name="a"), ran(0, HOUR, status="Stopped", name="b")]
        assert columns("wasted_instance_hours", f"{self.NAMES} user_stopped_instance_hours", *documents) == [
            ("stopped_job", 1, 0, 1)
        ]
