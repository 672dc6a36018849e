"""Prices and quotas asked of a simulated AWS over HTTP: each place once a day, and what cannot be asked stays."""

import csv
from datetime import UTC, datetime

import msgspec
import pytest

from pipelines.config import Settings, SourceSettings
from pipelines.fetched.fetch import fetch
from pipelines.fetched.history import read_looks, read_rows, write_looks
from pipelines.files import write_whole
from pipelines.harvest.outcome import kept_outcomes
from pipelines.home import Home
from pipelines.lake.manifest import Manifest, Partition
from pipelines.models.reference import PRICES, QUOTAS
from pipelines.price_list import PRICE_LIST
from pipelines.service_quotas import SERVICE_QUOTAS
from pipelines.shipped import shipped
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.service_quotas import CODE_OF_ALL_TRAINING
from tests.main_job import only_the_simulator
from tests.simulator.made import T0, job

ONE, OTHER = "111122223333", "444455556666"
REGION = "eu-west-1"
SOURCES = tuple(
    SourceSettings(role_arn=f"arn:aws:iam::{account}:role/trainyard", regions=(REGION,)) for account in (ONE, OTHER)
)
DAY = 24 * 3600
DENIED = "User is not authorized to perform this operation: allow it in IAM"


def instant(day):
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def served(monkeypatch, now="2026-02-20", jobs=()):
    fleet = Fleet(jobs or [job("a", T0, ONE, REGION), job("b", T0, OTHER, REGION)])
    simulator = Simulator(fleet, now=instant(now))
    only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
    return simulator


@pytest.fixture
def simulator(monkeypatch):
    with served(monkeypatch) as simulator:
        yield simulator


@pytest.fixture
def settings(tmp_path):
    """Of a lake with jobs of two accounts in one region."""
    home = Home(tmp_path / "home")
    home.create()
    partitions = tuple(Partition(account, REGION, "2026-01", {}) for account in (ONE, OTHER))
    write_whole(home.lake / "manifest.json", msgspec.json.encode(Manifest(partitions=partitions)))
    return Settings(home=home.root, sources=SOURCES, calls_per_second=1000)


def on_another_day(settings, *tables):
    """Let the last looks have been yesterday."""
    folder = Home(settings.home).fetched
    for table in tables:
        looks = read_looks(folder, table)
        earlier = {place: msgspec.structs.replace(look, asked_at=look.asked_at - DAY) for place, look in looks.items()}
        write_looks(folder, table, earlier)


def rows(settings, table, *columns, **wanted):
    """The rows that are held, as tuples of these columns, of those that have these values."""
    held = read_rows(Home(settings.home).fetched, table)
    found = [row for row in held if all(row[name] == value for name, value in wanted.items())]
    return [tuple(row[column] for column in columns) for row in found]


def asked(simulator):
    """The calls to the services of reference data since this was last asked."""
    made = {name: simulator.calls[name] for name in ("GetProducts", "ListServiceQuotas") if simulator.calls[name]}
    simulator.calls.clear()
    return made


def instance_types():
    with (shipped("reference") / "instance_types.csv").open() as lines:
        return [row["instance_type"] for row in csv.DictReader(lines)]


class TestPrices:
    def test_every_type_of_regions_with_jobs_has_both_prices_once(self, settings, simulator):
        (outcome,) = fetch(settings, PRICE_LIST)
        pages = -(-len(instance_types()) // 100)
        assert (outcome.error, outcome.warnings, outcome.calls) == (None, (), 2 * pages)
        assert asked(simulator) == {"GetProducts": 2 * pages}
        found = rows(settings, PRICES, "instance_type", "region", "is_spot")
        assert found == sorted((name, REGION, is_spot) for name in instance_types() for is_spot in ("false", "true"))
        spot = rows(settings, PRICES, "valid_from", "price_per_hour", instance_type="ml.m5.large")
        assert spot == [("2025-09-01", "0.1288"), ("2025-09-01", "0.1352")]

    def test_it_is_asked_once_a_day_and_the_same_price_adds_nothing(self, settings, simulator):
        fetch(settings, PRICE_LIST)
        before = rows(settings, PRICES, *(column.name for column in PRICES.table.columns))
        simulator.calls.clear()
        assert fetch(settings, PRICE_LIST) == []
        assert not simulator.calls
        on_another_day(settings, PRICES)
        assert len(fetch(settings, PRICE_LIST)) == 1
        assert rows(settings, PRICES, *(column.name for column in PRICES.table.columns)) == before

    def test_a_price_that_changed_adds_a_row(self, settings, simulator):
        fetch(settings, PRICE_LIST)
        on_another_day(settings, PRICES)
        simulator.set_time(instant("2026-03-02"))
        fetch(settings, PRICE_LIST)
        found = rows(settings, PRICES, "valid_from", instance_type="ml.p4d.24xlarge", is_spot="false")
        assert found == [("2025-09-01",), ("2026-03-01",)]
        assert len(rows(settings, PRICES, "valid_from", instance_type="ml.m5.large", is_spot="false")) == 1

    def test_denied_to_all_it_is_told_and_what_is_held_stays(self, settings, simulator):
        fetch(settings, PRICE_LIST)
        before = rows(settings, PRICES, "instance_type", "valid_from")
        on_another_day(settings, PRICES)
        simulator.inject(Fault(kind="access-denied", operation="GetProducts"))
        for _ in range(2):  # so that it is there as soon as it is allowed
            (outcome,) = fetch(settings, PRICE_LIST)
            assert DENIED in outcome.error
            assert [OTHER in outcome.error, *[ONE in line for line in outcome.warnings]] == [False, True]
        assert kept_outcomes(settings.home, "price-list").outcomes == [outcome]
        assert rows(settings, PRICES, "instance_type", "valid_from") == before
        simulator.clear_faults()
        (outcome,) = fetch(settings, PRICE_LIST)
        assert outcome.error is None

    def test_denied_to_one_the_other_account_is_asked(self, settings, simulator):
        simulator.inject(Fault(kind="access-denied", operation="GetProducts", count=1))
        (outcome,) = fetch(settings, PRICE_LIST)
        assert (outcome.error, len(outcome.warnings)) == (None, 1)
        assert outcome.warnings[0].startswith(f"{ONE}-{REGION}: ")
        assert len(rows(settings, PRICES, "instance_type")) == 2 * len(instance_types())

    @pytest.mark.parametrize("kind", ["throttle", "no-results"])
    def test_what_passes_is_tried_again(self, kind, settings, simulator):
        simulator.inject(Fault(kind=kind, operation="GetProducts", count=1, after=1))
        (outcome,) = fetch(settings, PRICE_LIST)
        assert outcome.error is None
        assert len(rows(settings, PRICES, "instance_type")) == 2 * len(instance_types())

    def test_of_regions_without_a_source_nothing_is_asked(self, settings, simulator):
        elsewhere = settings.model_copy(update={"sources": (SourceSettings(regions=("ap-south-1",)),)})
        for _ in range(2):
            assert fetch(elsewhere, PRICE_LIST) == []
        assert simulator.calls == {"GetCallerIdentity": 1}

    def test_where_the_partition_has_no_price_list_it_is_said(self, settings, monkeypatch):
        region = "us-gov-west-1"
        lake = Home(settings.home).lake / "manifest.json"
        write_whole(lake, msgspec.json.encode(Manifest(partitions=(Partition(ONE, region, "2026-01", {}),))))
        role = SourceSettings(role_arn=f"arn:aws-us-gov:iam::{ONE}:role/trainyard", regions=(region,))
        with served(monkeypatch):
            (outcome,) = fetch(settings.model_copy(update={"sources": (role,)}), PRICE_LIST)
        assert outcome.error == "aws-us-gov has no Price List: write prices.csv, and set price_list to false"


class TestQuotas:
    KEY = ("instance_type", "is_spot", "kind", "instances")

    def test_every_source_has_those_of_training_of_each_kind(self, settings, simulator):
        outcomes = fetch(settings, SERVICE_QUOTAS)
        assert [(outcome.source, outcome.error) for outcome in outcomes] == [
            (f"{account}-{REGION}", None) for account in (ONE, OTHER)
        ]
        pages = -(-(6 * len(instance_types()) + 2) // 100)
        assert asked(simulator) == {"ListServiceQuotas": 2 * pages}
        held = rows(settings, QUOTAS, *self.KEY, account_id=OTHER)
        assert len(held) == 3 * len(instance_types()) + 2
        assert {row for row in held if row[0] in ("all", "ml.m5.large")} == {
            ("ml.m5.large", "false", "training_jobs", "1"),
            ("ml.m5.large", "true", "training_jobs", "0"),
            ("ml.m5.large", "false", "warm_pools", "0"),
            ("all", "false", "training_jobs", "1"),
            ("all", "true", "training_jobs", "0"),
        }
        assert rows(settings, QUOTAS, "valid_from", quota_code=CODE_OF_ALL_TRAINING, account_id=ONE) == [
            ("2026-02-20",)
        ]

    def test_one_that_changed_adds_a_row_and_no_other(self, settings, monkeypatch):
        with served(monkeypatch) as simulator:
            fetch(settings, SERVICE_QUOTAS)
            assert fetch(settings, SERVICE_QUOTAS) == []
        before = rows(settings, QUOTAS, *self.KEY)
        on_another_day(settings, QUOTAS)
        raised = [job(name, T0, ONE, REGION) for name in "abc"] + [job("d", T0, OTHER, REGION)]
        with served(monkeypatch, "2026-02-21", raised) as simulator:
            fetch(settings, SERVICE_QUOTAS)
        assert simulator.calls["ListServiceQuotas"] > 2
        news = [("ml.m5.large", "false", "training_jobs", "4"), ("all", "false", "training_jobs", "4")]
        assert sorted(rows(settings, QUOTAS, *self.KEY)) == sorted(before + news)
        of_one = {"account_id": ONE, "instance_type": "ml.m5.large", "is_spot": "false", "kind": "training_jobs"}
        assert rows(settings, QUOTAS, "valid_from", "instances", **of_one) == [("2026-02-20", "1"), ("2026-02-21", "4")]

    def test_denied_to_one_source_the_others_are_asked(self, settings, simulator):
        simulator.inject(Fault(kind="access-denied", operation="ListServiceQuotas", count=1))
        outcomes = fetch(settings, SERVICE_QUOTAS)
        assert sorted(DENIED in (outcome.error or "") for outcome in outcomes) == [False, True]
        assert len({account for (account,) in rows(settings, QUOTAS, "account_id")}) == 1
        asked(simulator)
        (outcome,) = fetch(settings, SERVICE_QUOTAS)  # only the one that could not be
        assert outcome.error is None
        assert len({account for (account,) in rows(settings, QUOTAS, "account_id")}) == 2
