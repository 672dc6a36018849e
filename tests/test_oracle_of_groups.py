"""The oracle's marts of jobs that belong together, against cases computed by hand; as in test_oracle.py."""

from random import Random

import pytest

from tests.test_oracle import DAY, HOUR, columns, job, one, ran, rows, waited

TUNED = {"TuningJobArn": "arn:t"}


class TestTuning:
    def test_children_add_up_to_their_parent(self):
        documents = [
            ran(0, HOUR, name="a", created=-HOUR, count=2, **TUNED),
            ran(HOUR, 2 * HOUR, name="b", status="Failed", **TUNED),
            ran(0, 3 * HOUR, name="c", status="Stopped", **TUNED),
            waited(10, name="d", **TUNED),
            ran(HOUR, 4 * HOUR, name="e", TuningJobArn="arn:other"),
            ran(HOUR, 4 * HOUR, name="f"),
        ]
        (row,) = [row for row in rows("tuning_jobs", *documents) if row["parent_job_arn"] == "arn:t"]
        counts = {name: row[f"{name}_jobs"] for name in ("started", "completed", "failed", "stopped", "open")}
        assert counts == {"started": 3, "completed": 1, "failed": 1, "stopped": 2, "open": 0}
        assert (row["jobs"], row["instance_hours"], row["makespan_seconds"]) == (4, 2 + 1 + 3, 4 * HOUR)
        # Where one ends as the next starts, both are never there at once.
        assert row["peak_jobs"] == 2
        assert row["parallel_efficiency"] == 5 / (3 * 2)

    def test_the_peak_is_told_where_it_first_was(self):
        documents = [ran(start, start + HOUR, name=str(start), **TUNED) for start in (0, 5, 10, DAY, DAY + 5, DAY + 10)]
        assert columns("tuning_jobs", "peak_jobs peak_at", *documents) == [(3, 10)]

    def test_what_never_ran_has_no_peak(self):
        names = "peak_jobs peak_at parallel_efficiency makespan_seconds"
        assert columns("tuning_jobs", names, waited(10, **TUNED)) == [(0, None, None, 10)]
        assert columns("tuning_jobs", names, ran(5, 5, created=0, **TUNED)) == [(0, None, None, 5)]

    def test_a_job_may_have_a_parent_of_each_kind(self):
        found = columns("tuning_jobs", "parent_kind parent_job_arn jobs", ran(0, HOUR, **TUNED, AutoMLJobArn="arn:a"))
        assert sorted(found) == [("auto_ml", "arn:a", 1), ("tuning", "arn:t", 1)]


class TestLimits:
    NAMES = "is_default_limit jobs limit_share under_tenth_jobs at_limit_jobs"

    def limited(self, run, limit, **members):
        return ran(0, run, StoppingCondition={"MaxRuntimeInSeconds": limit}, **members)

    @pytest.mark.parametrize(("run", "under", "at"), [(99, 1, 0), (100, 0, 0), (999, 0, 0), (1000, 0, 1), (1001, 0, 1)])
    def test_a_tenth_and_the_limit_are_exact(self, run, under, at):
        assert columns("limit_accuracy", self.NAMES, self.limited(run, 1000)) == [(False, 1, run / 1000, under, at)]

    def test_what_sagemaker_stopped_for_it_was_at_its_limit(self):
        document = self.limited(50, 1000, status="Stopped", SecondaryStatus="MaxRuntimeExceeded")
        assert columns("limit_accuracy", self.NAMES, document) == [(False, 1, 0.05, 0, 1)]

    def test_the_default_is_told_apart(self):
        documents = [self.limited(HOUR, DAY, name="a"), self.limited(HOUR, 2 * HOUR, name="b")]
        assert sorted(columns("limit_accuracy", self.NAMES, *documents)) == [
            (False, 1, 0.5, 0, 0),
            (True, 1, 1 / 24, 1, 0),
        ]

    def test_shares_spread_by_job_and_add_up_by_time(self):
        documents = [self.limited(run, limit, name=str(run)) for run, limit in ((10, 100), (500, 1000), (900, 1000))]
        row = one("limit_accuracy", *documents)
        assert (row["p50_limit_share"], row["limit_share"]) == (0.5, 1410 / 2100)
        assert row["p90_limit_share"] == pytest.approx(0.82)

    def test_no_limit_no_row(self):
        assert columns("limit_accuracy", "jobs", ran(0, HOUR), self.limited(HOUR, 0), self.limited(HOUR, -1)) == []
        assert columns("limit_accuracy", "jobs", job(("Training", 0, None), status="InProgress")) == []


class TestOwners:
    NAMES = "owner_kind owner jobs instance_hours instance_hour_share owner_rank"

    def owners(self, *documents, kind):
        found = columns("instance_hours_by_owner", self.NAMES, *documents)
        return sorted((row[1:] for row in found if row[0] == kind), key=repr)

    def test_unknown_owners_are_a_row_of_their_own(self):
        documents = [
            ran(0, HOUR, name="a", RoleArn="r"),
            ran(0, 2 * HOUR, name="b", RoleArn="s"),
            ran(0, 3 * HOUR, name="c", RoleArn=""),
            ran(0, 2 * HOUR, name="d"),
        ]
        assert self.owners(*documents, kind="role") == [
            ("r", 1, 1, 1 / 8, 2),
            ("s", 1, 2, 2 / 8, 1),
            (None, 2, 5, 5 / 8, None),
        ]
        (row,) = [row for row in rows("owner_concentration", *documents) if row["owner_kind"] == "role"]
        assert (row["owners"], row["top_instance_hour_share"], row["unknown_instance_hour_share"]) == (2, 2 / 3, 5 / 8)

    @pytest.mark.parametrize(
        ("tags", "team"),
        [
            ([("team", "blue")], "blue"),
            ([("project", "p"), ("Team", "blue")], "blue"),
            ([("team", ""), ("TEAM", "red"), ("team", "blue")], "red"),
            ([("teams", "blue")], None),
            ([], None),
        ],
    )
    def test_a_team_is_a_tag(self, tags, team):
        document = ran(0, HOUR, Tags=[{"Key": key, "Value": value} for key, value in tags])
        assert [row[0] for row in self.owners(document, kind="team")] == [team]

    @pytest.mark.parametrize(
        ("members", "program"),
        [
            ({"HyperParameters": {"sagemaker_program": '"train.py"'}}, "train.py"),
            ({"HyperParameters": {"sagemaker_program": '""'}, "AlgorithmSpecification": {"TrainingImage": "x"}}, "x"),
            ({"HyperParameters": {"depth": "6"}, "AlgorithmSpecification": {"TrainingImage": "xgboost"}}, "xgboost"),
            ({"AlgorithmSpecification": {"TrainingImage": "", "AlgorithmName": "arn:a"}}, "arn:a"),
            ({}, None),
        ],
    )
    def test_a_program_is_a_script_or_an_image(self, members, program):
        assert [row[0] for row in self.owners(ran(0, HOUR, **members), kind="program")] == [program]

    @pytest.mark.parametrize(
        ("hours", "top_owners", "top_share", "gini"),
        [
            ([1], 1, 1, 0),
            ([1, 1, 1, 1], 1, 1 / 4, 0),
            ([0, 0, 0, 4], 1, 1, 3 / 4),
            ([1, 3], 1, 3 / 4, 1 / 4),
            ([0, 0], 1, None, None),
            (range(1, 21), 1, 20 / 210, 19 / 60),
            (range(1, 22), 2, 41 / 231, 20 / 63),
        ],
    )
    def test_concentration(self, hours, top_owners, top_share, gini):
        documents = [ran(0, each * HOUR, name=str(each), RoleArn=str(owner)) for owner, each in enumerate(hours)]
        names = "owner_kind owners top_owners top_instance_hour_share gini"
        (found,) = (row[1:] for row in columns("owner_concentration", names, *documents) if row[0] == "role")
        assert found == pytest.approx((len(hours), top_owners, top_share, gini))

    def test_gini_is_the_one_of_ranks(self):
        random = Random(1)
        hours = sorted(random.randrange(100) for _ in range(50))
        documents = [ran(0, each * HOUR, name=str(n), RoleArn=str(n)) for n, each in enumerate(hours)]
        n, weighted = len(hours), sum((2 * i - len(hours) - 1) * each for i, each in enumerate(hours, start=1))
        found = dict(columns("owner_concentration", "owner_kind gini", *documents))
        assert found["role"] == pytest.approx(weighted / (n * sum(hours)))


def measured(name, *told, **members):
    """A job with these (metric, value, time)."""
    values = [{"MetricName": metric, "Value": value, "Timestamp": time} for metric, value, time in told]
    return ran(0, HOUR, name=name, FinalMetricDataList=values, **members)


class TestFinalMetrics:
    def test_the_last_value_counts(self):
        document = measured("a", ("loss", 3, 30), ("auc", 1, 5), ("loss", 1, 10), ("loss", 2, 30), ("loss", 4, None))
        assert sorted(columns("fct_final_metrics", "metric_name value", document)) == [("auc", 1), ("loss", 2)]

    def test_a_name_or_a_value_alone_says_nothing(self):
        assert columns("fct_final_metrics", "value", measured("a", ("loss", None, 1), ("", 1, 1), (None, 1, 1))) == []

    def test_groups_tell_the_least_the_median_and_the_greatest(self):
        documents = [
            measured(name, ("loss", value, 1), **TUNED, ExperimentConfig={"ExperimentName": "e"})
            for name, value in (("c", 5), ("b", 1), ("a", 5), ("d", 2))
        ]
        documents.append(measured("e", ("loss", 0, 1)))
        names = "group_kind group_name jobs least_value p50_value greatest_value"
        assert sorted(columns("final_metrics_by_group", names, *documents)) == [
            ("experiment", "e", 4, 1, 3.5, 5),
            ("tuning_job", "arn:t", 4, 1, 3.5, 5),
        ]
        names = "least_training_job_arn greatest_training_job_arn"
        for least, greatest in columns("final_metrics_by_group", names, *documents):
            assert (least[-1], greatest[-1]) == ("b", "a")

    def test_what_is_no_finite_number_is_told_but_in_no_group(self):
        told = {"a": 2, "b": "NaN", "c": "NaN", "d": "Infinity", "e": "-Infinity", "f": 1.7e308, "g": -1.7e308}
        documents = [measured(name, ("loss", value, 1), **TUNED) for name, value in told.items()]
        # What was last is no number: what was before does not count for it.
        documents.append(measured("h", ("loss", 1, 1), ("loss", "NaN", 2), **TUNED))
        assert [str(value) for (value,) in columns("fct_final_metrics", "value", *documents)] == [
            *("2.0", "nan", "nan", "inf", "-inf", "1.7e+308", "-1.7e+308", "nan")
        ]
        names = "group_kind jobs least_value p50_value greatest_value is_small_sample"
        assert columns("final_metrics_by_group", names, *documents) == [("tuning_job", 3, -1.7e308, 2, 1.7e308, True)]
        assert columns("final_metrics_by_group", names, *documents[1:5]) == []


class TestQuality:
    def flaws(self, *documents, **arguments):
        found = columns("data_quality", "flaw examined_jobs flawed_jobs", *documents, **arguments)
        return {flaw: (examined, flawed) for flaw, examined, flawed in found if flawed}

    @pytest.mark.parametrize(
        ("document", "flaws"),
        [
            (job(("Starting", 0, 5), ("Training", 5, 9), TrainingStartTime=5, TrainingEndTime=9), set()),
            (job(("Starting", 0, 5), ("Training", 5, 9)), {"no_start_time", "no_end_time"}),
            (waited(5), set()),
            (waited(5, LastModifiedTime=200 * DAY), {"future_times"}),
            (job(("Pending", 0, 7), ("Starting", 5, 9), status="Stopped"), {"overlap"}),
            (job(("Pending", 0, 5), ("Starting", 5, 4), status="Stopped"), {"negative_visit"}),
            (job(("Pending", 3, 5), status="Stopped"), {"hole"}),
            (ran(0, 5), {"derived_visits"}),
            (job(("Pending", 0, 5)), {"no_start_time", "no_end_time"}),
            (job(("Verifying", 0, 5), status="Stopped"), {"unknown_status"}),
            (job(("Pending", 0, 5), status="Stopped", SecondaryStatus="Verifying"), {"unknown_status"}),
            (job(status="InProgress", SecondaryStatus="Brewing"), {"derived_visits", "unknown_status"}),
            (job(status="InProgress", SecondaryStatus="Training"), {"derived_visits"}),
            (job(status=None), {"derived_visits"}),
            (waited(5, instance_type="ml.unlisted"), {"unknown_gpus"}),
            (waited(5, count=None), {"unknown_gpus"}),
            (waited(5) | {"TrainingJobStatus": "Failed", "FailureReason": "?"}, {"unknown_failure_class"}),
        ],
    )
    def test_flaws(self, document, flaws):
        assert self.flaws(document) == dict.fromkeys(flaws, (1, 1))

    def test_they_are_of_the_jobs_that_could_have_them(self):
        documents = [ran(0, 5, name="a"), waited(5, name="b"), waited(5, name="c")]
        found = columns("data_quality", "flaw examined_jobs flawed_jobs flawed_share", *documents)
        assert ("no_end_time", 1, 0, 0) in found
        assert ("unknown_failure_class", 0, 0, None) in found
        assert ("derived_visits", 3, 1, 1 / 3) in found

    def test_freshness_is_the_age_of_the_newest_change(self):
        names = "newest_last_modified_time newest_observed_at newest_change_age_seconds"
        documents = [ran(0, 5, name="a", LastModifiedTime=9), ran(0, 5, name="b", LastModifiedTime=7)]
        assert columns("freshness", names, *documents, as_of=HOUR) == [(9, HOUR, HOUR - 9)]
        assert columns("freshness", names, ran(0, 5), as_of=HOUR) == [(None, HOUR, None)]


class TestStuckJobs:
    NAMES = "secondary_status since age_seconds p99_seconds compared_visits is_small_sample"

    def waiting(self, since, **members):
        return job(("Starting", since, None), created=since, status="InProgress", name="open", **members)

    def ended(self, *lengths, **members):
        return [job(("Starting", 0, length), name=str(n), **members) for n, length in enumerate(lengths)]

    def stuck(self, *documents):
        return columns("stuck_jobs", self.NAMES, *documents, as_of=HOUR)

    @pytest.mark.parametrize(("since", "stuck"), [(HOUR - 301, True), (HOUR - 300, False), (HOUR - 10, False)])
    def test_longer_than_nearly_all_others(self, since, stuck):
        expected = [("Starting", since, HOUR - since, 300, 2, True)]
        assert self.stuck(self.waiting(since), *self.ended(300, 300)) == (expected if stuck else [])

    def test_the_percentile_is_of_visits(self):
        found = self.stuck(self.waiting(0), *self.ended(*range(0, 1010, 10)))
        assert found == [("Starting", 0, HOUR, 990, 101, False)]

    def test_only_the_same_status_on_the_same_instances_compares(self):
        other = self.ended(10, instance_type="ml.m5.large")
        assert self.stuck(self.waiting(0), *other) == []
        assert self.stuck(self.waiting(0), job(("Training", 0, 10))) == []
        assert self.stuck(self.waiting(0)) == []

    def test_a_job_that_ended_is_not_stuck(self):
        assert self.stuck(job(("Starting", 0, HOUR), name="x"), *self.ended(10, 10)) == []
