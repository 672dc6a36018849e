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
