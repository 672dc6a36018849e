"""Every mart of the made fleet against the same question answered in plain Python from the same documents."""

import math

import pytest

from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from tests.main_job import published
from tests.oracle import GRAINS, MARTS
from tests.oracle.instance_types import GPUS
from tests.oracle.jobs import jobs_of, newest_instant

# These say nothing of jobs.
NOT_OF_THE_ORACLE = {"build_info", "reconciled_totals"}


@pytest.fixture(scope="module")
def found(made_home):
    return published(made_home.warehouse)


def test_every_mart_has_an_oracle():
    marts = {table.name for table in load_catalogue(shipped("sql")).marts}
    assert marts - NOT_OF_THE_ORACLE == MARTS.keys()


@pytest.fixture(scope="module")
def jobs(made_documents):
    return jobs_of(made_documents, max(map(newest_instant, made_documents)), GPUS)


@pytest.mark.parametrize("mart", sorted(MARTS))
def test_a_mart_says_what_the_oracle_says(mart, found, jobs, made_reference, made_measurements):
    told = made_reference | {"hardware_metrics": made_measurements}
    assert found[mart]
    found_differences = differences(found[mart], MARTS[mart](jobs, told), GRAINS[mart])
    assert not found_differences, found_differences[:10]


@pytest.mark.parametrize(
    ("found", "wanted", "told"),
    [
        ([{"n": 1, "x": 0.1 + 0.2}], [{"n": 1, "x": 0.3}], []),
        ([{"n": 1, "x": 0.5}], [{"n": 1, "x": 0.6}], [((1,), "x", 0.5, 0.6)]),
        ([{"n": 1, "x": 0}], [{"n": 1, "x": None}], [((1,), "x", 0, None)]),
        ([{"n": 1, "x": None}], [{"n": 1}], [((1,), "x", None, "no such column")]),
        ([{"n": 1}], [{"n": 1, "x": None}], [((1,), "x", "no such column", None)]),
        ([{"n": 1}], [], [((1,), None, {"n": 1}, None)]),
    ],
)
def test_no_difference_passes(found, wanted, told):
    assert differences(found, wanted, ("n",)) == told


def test_the_calendar_has_every_day_of_the_daily_marts(found):
    days = {row["date"] for row in found["calendar"]}
    # Capacity may have been there before any job.
    daily = [name for name in found if name.endswith("_daily") and name != "capacity_utilization_daily"]
    assert len(daily) >= 6
    assert [(name, row["date"]) for name in daily for row in found[name] if row["date"] not in days] == []


def test_gpu_hours_of_several_jobs_stand_beside_the_share_of_what_is_known():
    told = {table.name for table in _marts_with("gpu_hours", "wasted_gpu_hours")}
    # Of one job; of jobs of known GPUs, or not, by the grain; by the hour `gpu_known_jobs` of `active_jobs` tell it.
    of_one_job = {"fct_training_jobs", "idle_gpu_jobs"}
    told_otherwise = {"idle_gpu_hours", "job_sizes", "utilization_hourly", "fleet_utilization_hourly"}
    assert told - of_one_job - told_otherwise == {table.name for table in _marts_with("gpu_known_share")}


def _marts_with(*names):
    marts = load_catalogue(shipped("sql")).marts
    return [table for table in marts if any(column.name in names for column in table.columns)]


def test_bi_tools_know_every_type_of_the_marts():
    """None of 128 bits, which drivers turn into floats or texts, none nested, none that follows a client's zone."""
    types = {column.type for table in load_catalogue(shipped("sql")).marts for column in table.columns}
    assert types <= {"BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "TIMESTAMP"}


def differences(found, wanted, grain):
    """Where rows differ: (grain's values, column, found, wanted); a row that one of them lacks differs as a whole.

    A column that one of them lacks differs in each row.
    """
    found, wanted = _by_grain(found, grain), _by_grain(wanted, grain)
    missing = [(key, None, found.get(key), wanted.get(key)) for key in found.keys() ^ wanted.keys()]
    return missing + [
        (key, column, found_value, wanted_value)
        for key in found.keys() & wanted.keys()
        for column in found[key].keys() | wanted[key].keys()
        for found_value, wanted_value in [(row.get(column, "no such column") for row in (found[key], wanted[key]))]
        if not _same(found_value, wanted_value)
    ]


def _by_grain(rows, grain):
    keyed = {tuple(row[column] for column in grain): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


def _same(found, wanted):
    if isinstance(found, float) and isinstance(wanted, int | float):
        both_nan = math.isnan(found) and math.isnan(wanted)
        return both_nan or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return found == wanted
