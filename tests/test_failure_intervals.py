"""Intervals of failures for the time in use are exact Poisson ones, as those of scipy."""

import duckdb
import pytest
from scipy.stats import chi2

from pipelines.models.functions import define_functions
from pipelines.shipped import shipped
from tests.main_job import rows

NODE_DAYS_A_JOB = 0.25


def intervals(failures):
    """The rows of the mart for so many jobs that failed, and one that did not, by scope; none is infrastructure's."""
    totals = (
        "select 1 as gpu_count, date '2026-01-01' as end_month, true as is_started, training_job_status,"
        " null::varchar as end_actor, counted_jobs,"
        f" cast({NODE_DAYS_A_JOB * 86400e6} as bigint) * counted_jobs as instance_microseconds"
        f" from (values ('Completed', 1), ('Failed', {failures})) as t (training_job_status, counted_jobs)"
    )
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.execute(f"create table staging.job_totals as {totals}")
        define_functions(connection)
        found = rows(connection, (shipped("sql") / "marts" / "failures_per_node_days.sql").read_text())
    return {row["failure_scope"]: row for row in found if row["size_bucket"] == "all"}


@pytest.mark.parametrize("failures", [0, 7, 1_000])
def test_intervals_are_exact(failures):
    row = intervals(failures)["all"]
    node_days = (failures + 1) * NODE_DAYS_A_JOB
    low = chi2.ppf(0.025, 2 * failures) / 2 if failures else 0.0
    high = chi2.ppf(0.975, 2 * failures + 2) / 2
    assert row["failures"] == failures
    assert row["failures_per_1000_node_days_low"] == pytest.approx(1000 * low / node_days, 1e-10)
    assert row["failures_per_1000_node_days_high"] == pytest.approx(1000 * high / node_days, 1e-10)
    assert row["mttf_node_hours_low"] == pytest.approx(24 * node_days / high, 1e-10)
    if failures:
        assert row["mttf_node_hours_high"] == pytest.approx(24 * node_days / low, 1e-10)
    else:
        assert row["mttf_node_hours_high"] is None


def test_the_infrastructure_that_never_failed_has_an_interval_too():
    row = intervals(500)["infrastructure"]
    assert (row["failures"], row["failures_per_1000_node_days_low"], row["mttf_node_hours"]) == (0, 0, None)
    assert row["failures_per_1000_node_days_high"] == pytest.approx(1000 * 3.688879454113936 / 125.25, 1e-10)
