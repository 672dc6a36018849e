"""The two functions of time zones against Python's own: instants to clocks, and clocks back to instants."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.models.functions import define_functions
from pipelines.shipped import shipped

# Ahead, behind, by fractions of an hour; clocks put forward or back at midnight, by half an hour, for a month of
# fasting; a day left out.
ZONES = (
    "UTC",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Pacific/Apia",
)
MINUTE = timedelta(minutes=1)

instants = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30))


@pytest.fixture(scope="module", params=ZONES)
def zone(request):
    with duckdb.connect() as connection:
        define_functions(connection, request.param)

        def call(function, argument):
            return connection.execute(f"select {function}($1::timestamp)", [argument]).fetchone()[0]

        yield ZoneInfo(request.param), call


def clock(zone, instant):
    return zone.fromutc(instant.replace(tzinfo=zone)).replace(tzinfo=None)


@settings(deadline=None, max_examples=50)
@given(instant=instants)
def test_local_time_is_what_the_clocks_show(zone, instant):
    zone, call = zone
    assert call("local_time", instant) == clock(zone, instant)


def test_beyond_the_years_that_are_known_the_nearest_offset_holds(zone):
    zone, call = zone
    for instant, known in (
        (datetime(1960, 1, 1), datetime(1970, 1, 2)),
        (datetime(2286, 11, 20), datetime(2099, 12, 30)),
    ):
        assert call("local_time", instant) - instant == clock(zone, known) - known


@settings(deadline=None, max_examples=50)
@given(local=instants.map(lambda instant: instant.replace(minute=0, second=0, microsecond=0)))
@example(datetime(2024, 3, 10, 2))  # skipped in New York
@example(datetime(2024, 11, 3, 1))  # twice in New York
@example(datetime(2024, 11, 3, 0))  # twice in Havana
@example(datetime(2018, 11, 4, 0))  # skipped in São Paulo
@example(datetime(2011, 12, 30, 0))  # skipped in Samoa, as all of that day
def test_utc_time_is_the_first_instant_at_which_the_clocks_show_it_or_more(zone, local):
    zone, call = zone
    instant = call("utc_time", local)
    assert clock(zone, instant) >= local
    # Nowhere a day before it: minute by minute near it, for changes are on whole minutes.
    earlier = [instant - number * MINUTE for number in range(1, 180)] + [instant - timedelta(microseconds=1)]
    assert max(clock(zone, each) for each in earlier) < local


def test_nothing_stays_nothing(zone):
    _, call = zone
    assert (call("local_time", None), call("utc_time", None)) == (None, None)


def calls(node, within=()):
    """Each call of the two functions in a parsed SELECT, with those that it is in an argument of."""
    if isinstance(node, dict):
        if node.get("function_name") in ("local_time", "utc_time"):
            within = (*within, node["function_name"])
            yield within
        node = list(node.values())
    if isinstance(node, list):
        for below in node:
            yield from calls(below, within)


def test_no_model_calls_one_in_an_argument_of_the_other():
    """An argument is repeated for every change of the clocks: one call in another was a minute of planning."""
    found = {}
    with duckdb.connect() as connection:
        for path in shipped("sql").glob("*/*.sql"):
            tree = connection.execute("select json_serialize_sql($1)", [path.read_text()]).fetchone()[0]
            found[path.name] = list(calls(json.loads(tree)))
    assert any(found.values())
    assert not {name: nested for name, each in found.items() if (nested := [w for w in each if len(w) > 1])}
