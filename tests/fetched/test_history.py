"""What is seen today joins what is held: nothing where it is as it was, a row where it is not, and nothing is lost."""

import pytest

from pipelines.fetched.history import Look, joined, read_looks, read_rows, write_looks, write_rows
from pipelines.models.reference import PRICES, QUOTAS

KEY = {"instance_type": "ml.p5.48xlarge", "region": "eu-west-1", "is_spot": "false"}


def price(per_hour, since="", **other):
    return KEY | {"valid_from": since, "price_per_hour": str(per_hour), "rate_code": f"{per_hour}.rate"} | other


def after(looks, held=()):
    """(valid_from, price) of the rows after looks: (day, price, since when AWS says it holds)."""
    rows, last_seen_on = list(held), None
    for day, per_hour, since in looks:
        rows = joined(PRICES, "price_per_hour", rows, [price(per_hour, since)], day, last_seen_on)
        last_seen_on = day
    return [(row["valid_from"], row["price_per_hour"]) for row in rows]


@pytest.mark.parametrize(
    ("looks", "rows"),
    [
        ([("2026-03-10", 1, "2026-03-01")], [("2026-03-01", "1")]),
        # AWS dates the list anew every month, whether or not the price is another.
        ([("2026-03-10", 1, "2026-03-01"), ("2026-04-10", 1, "2026-04-01")], [("2026-03-01", "1")]),
        # It knows of an earlier day.
        ([("2026-03-10", 1, "2026-03-01"), ("2026-04-10", 1, "2026-01-01")], [("2026-01-01", "1")]),
        # Another price, since a day on which nobody looked.
        (
            [("2026-03-10", 1, "2026-03-01"), ("2026-04-10", 2, "2026-04-01")],
            [("2026-03-01", "1"), ("2026-04-01", "2")],
        ),
        # Another price, said to hold since a day on which the one before was seen.
        (
            [("2026-03-10", 1, "2026-03-01"), ("2026-03-11", 2, "2026-03-05")],
            [("2026-03-01", "1"), ("2026-03-11", "2")],
        ),
        # Another price, said to hold since before any that is held.
        (
            [("2026-03-10", 1, "2026-03-01"), ("2026-03-11", 2, "2026-01-01")],
            [("2026-03-01", "1"), ("2026-03-11", "2")],
        ),
        # A price of days to come, seen twice.
        (
            [("2026-03-10", 1, "2026-03-01"), ("2026-03-11", 2, "2026-04-01"), ("2026-03-12", 2, "2026-04-01")],
            [("2026-03-01", "1"), ("2026-04-01", "2")],
        ),
        ([("2026-03-10", 1, "2026-04-01"), ("2026-03-11", 1, "2026-04-01")], [("2026-04-01", "1")]),
        # And back again.
        (
            [("2026-03-10", 1, ""), ("2026-03-11", 2, ""), ("2026-03-12", 1, ""), ("2026-03-13", 1, "")],
            [("2026-03-10", "1"), ("2026-03-11", "2"), ("2026-03-12", "1")],
        ),
        # Twice on a day: the last that was seen holds.
        ([("2026-03-10", 1, ""), ("2026-03-10", 2, "")], [("2026-03-10", "2")]),
    ],
)
def test_a_look_adds_a_row_only_where_something_is_new(looks, rows):
    assert after(looks) == rows


def test_the_same_looks_again_change_nothing():
    looks = [("2026-03-10", 1, "2026-03-01"), ("2026-04-10", 2, "2026-04-01"), ("2026-05-10", 3, "2026-04-20")]
    held = [price(1, "2026-03-01"), price(2, "2026-04-01"), price(3, "2026-04-20")]
    assert after(looks) == after([looks[-1]], held) == after([looks[-1], looks[-1]], held)


def test_what_is_known_of_the_past_stays_where_the_looks_are_lost():
    held = [price(1, "2026-03-01"), price(2, "2026-04-01")]
    assert after([("2026-05-10", 3, "2026-01-01")], held) == [
        ("2026-03-01", "1"),
        ("2026-04-01", "2"),
        ("2026-05-10", "3"),
    ]


def test_things_do_not_mix_and_what_is_not_told_stays():
    other = {"instance_type": "ml.m5.large"}
    held = [price(1, "2026-03-01"), price(7, "2026-03-01", **other), price(8, "2026-03-01", is_spot="true")]
    rows = joined(PRICES, "price_per_hour", held, [price(2)], "2026-03-10", "2026-03-09")
    assert len(rows) == 4
    assert all(row in rows for row in held)


def test_quotas_of_two_kinds_are_two_things():
    key = {"account_id": "1", "region": "r", "instance_type": "a", "is_spot": "false", "valid_from": ""}
    seen = [key | {"instances": "1", "kind": kind, "quota_code": ""} for kind in ("training_jobs", "warm_pools")]
    assert len(joined(QUOTAS, "instances", [], seen, "2026-03-10", None)) == 2


def test_rows_and_looks_are_kept(tmp_path):
    assert (read_rows(tmp_path, PRICES), read_looks(tmp_path, PRICES)) == ([], {})
    rows, looks = [price(1, "2026-03-01")], {"eu-west-1": Look(1.5, "2026-03-01"), "us-east-1": Look(2.5, None)}
    write_rows(tmp_path, PRICES, rows)
    write_looks(tmp_path, PRICES, looks)
    assert (read_rows(tmp_path, PRICES), read_looks(tmp_path, PRICES)) == (rows, looks)
