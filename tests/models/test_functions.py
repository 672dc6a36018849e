"""The functions of models against scipy, and what they tell apart; those of time zones have their own."""

import duckdb
import pytest
from scipy.stats import binomtest, chi2

from pipelines.models.functions import define_functions
from pipelines.service_model import service_model


@pytest.fixture(scope="module")
def call():
    with duckdb.connect() as connection:
        define_functions(connection)

        def call(function, *given, type_="bigint"):
            parameters = ", ".join(f"?::{type_}" for _ in given)
            return connection.execute(f"select {function}({parameters})", given).fetchone()[0]

        yield call


@pytest.mark.parametrize("events", [0, 1, 2, 7, 50, 99, 100, 101, 102, 150, 1_000, 100_000, 10_000_000])
def test_intervals_of_events_are_exact(call, events):
    low = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    assert call("poisson_low", events) == pytest.approx(low, 1e-10)
    assert call("poisson_high", events) == pytest.approx(chi2.ppf(0.975, 2 * events + 2) / 2, 1e-10)


@pytest.mark.parametrize("whole", [1, 2, 19, 20, 1_000, 1_000_000_000])
def test_intervals_of_shares_are_wilsons(call, whole):
    for part in {0, 1, whole // 3, whole // 2, whole - 1, whole}:
        told = binomtest(part, whole).proportion_ci(method="wilson")
        assert call("wilson_low", part, whole) == pytest.approx(told.low, 1e-9, 1e-15)
        assert call("wilson_high", part, whole) == pytest.approx(told.high, 1e-9)


def test_a_share_of_none_has_no_interval(call):
    assert (call("wilson_low", 0, 0), call("wilson_high", 0, 0)) == (None, None)


@pytest.mark.parametrize(
    ("gpu_count", "bucket"),
    [(None, "unknown"), (0, "0"), (1, "1"), (2, "2-4"), (4, "2-4"), (5, "5-8"), (8, "5-8"), (9, ">8")],
)
def test_sizes_are_told_apart_by_gpus(call, gpu_count, bucket):
    assert call("size_bucket", gpu_count) == bucket


@pytest.mark.parametrize(
    ("gpus", "of_known", "instances", "known"),
    [
        (8, 2, 2, 8),
        (8, 2, 5, 8),
        (0, 2, 5, 0),
        # Something is known, but of what used nothing.
        (0, 0, 3, None),
        (None, 0, 3, None),
        (0, 0, 0, 0),
        (None, 0, 0, None),
        (0, 0, None, 0),
    ],
)
def test_gpu_time_is_unknown_where_that_of_all_in_use_is(call, gpus, of_known, instances, known):
    assert call("known_gpu_time", gpus, of_known, instances) == known


@pytest.mark.parametrize(
    ("secondary_status", "phase"),
    [("Pending", "queue"), ("Downloading", "setup"), ("Restarting", "interruption"), ("MaxRuntimeExceeded", "terminal")]
    + [(status, "unknown") for status in ("Brewing", "training", "Unattributed", "", None)],
)
def test_statuses_have_their_phase(call, secondary_status, phase):
    assert call("status_phase", secondary_status, type_="varchar") == phase


def test_every_status_of_the_api_has_a_phase(call):
    statuses = service_model().shape_for("SecondaryStatus").enum
    assert [status for status in statuses if call("status_phase", status, type_="varchar") == "unknown"] == []
