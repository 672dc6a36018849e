"""The oracle's marts of jobs that belong together, against cases computed by hand; as in test_oracle.py."""

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
        documents = [
            ran(start, start + HOUR, name=str(start), **TUNED) for start in (0, 5, 10, DAY, DAY + 5, DAY + 10)
        ]
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

    @pytest.mark.parametrize(
        ("run", "under", "at"), [(99, 1, 0), (100, 0, 0), (999, 0, 0), (1000, 0, 1), (1001, 0, 1)]
    )
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
