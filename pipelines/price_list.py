"""AWS's Price List: what an instance costs an hour for training, on demand or as spot, by type and region.

The list has several products for an instance type: those of training and of spot training are told apart by their
`platoinstancetype`, and no first one is taken for the right one. A price that is not clear is reported, not guessed.
Here: what is asked, and which price a product tells. Not here: when it is asked, and keeping what it tells
(``fetched``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

import msgspec

from pipelines.errors import TrainyardError
from pipelines.fetched.fetch import Service, Told, day_of
from pipelines.fetched.history import Row
from pipelines.harvest.calls import Calls, decoded
from pipelines.harvest.sources import Source
from pipelines.models.reference import PRICES

CURRENCY = "USD"
HIGHEST = 1_000_000  # an hour; what is more is no price
# Whether a product is for spot jobs, by its `platoinstancetype`.
KINDS = {"Training": False, "SpotTraining": True}
# The Price List tells of all regions of its partition, and answers in few of them.
ENDPOINT_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-eusc": "eusc-de-east-1"}

_INSTANCE_TYPE = re.compile(r"\bml\.[a-z0-9-]+\.[a-z0-9]+")
_HOURLY = {"hrs", "hours", "hour"}
_MOST_NAMED = 3


class _Attributes(msgspec.Struct, rename="camel"):
    region_code: str = ""
    location_type: str = "AWS Region"
    platoinstancetype: str = ""
    instance_name: str = ""
    instance_type: str = ""
    usagetype: str = ""


class _Product(msgspec.Struct, rename="camel"):
    attributes: _Attributes


class _Dimension(msgspec.Struct, rename="camel"):
    rate_code: str
    unit: str
    price_per_unit: dict[str, str]


class _Term(msgspec.Struct, rename="camel"):
    effective_date: str
    price_dimensions: dict[str, _Dimension]


class _Terms(msgspec.Struct, rename="pascal"):
    on_demand: dict[str, _Term] = {}


class _Item(msgspec.Struct, rename="camel"):
    product: _Product
    terms: _Terms = msgspec.field(default_factory=_Terms)


class _Page(msgspec.Struct, rename="pascal"):
    price_list: list[str]


_PAGE = msgspec.json.Decoder(_Page)
_ITEM = msgspec.json.Decoder(_Item)


@dataclass(frozen=True)
class Offer:
    """A price that a product tells, and the day since which it does."""

    instance_type: str
    is_spot: bool
    price: Decimal
    since: str
    rate_code: str


def connect(source: Source) -> Calls:
    """Calls to the Price List of a source's partition; raises TrainyardError where that has none."""
    partition = source.client.meta.partition
    region = ENDPOINT_REGIONS.get(partition)
    if region is None:
        raise TrainyardError(f"{partition} has no Price List: write prices.csv, and set price_list to false")
    return Calls.by(partial(source.new_client, "pricing", region))


def ask(source: Source, calls: Calls) -> Told:
    """The prices of training in a source's region."""
    items, day = [], ""
    for kind in KINDS:
        for answer in calls.pages("GetProducts", MaxResults=100, **_question(source.region, kind)):
            items += decoded(_PAGE, answer.body, "GetProducts").price_list
            day = day_of(answer.answered_at)
    return read_prices(items, source.region, day)


def ask_one(source: Source) -> None:
    """Ask for one price, to see whether that is allowed; raises as ``connect`` and ``Calls`` do."""
    connect(source).ask("GetProducts", MaxResults=1, **_question(source.region, "Training"))


def _question(region: str, kind: str) -> dict[str, Any]:
    """The parameters that ask for the products of a kind in a region."""
    wanted = {"regionCode": region, "platoinstancetype": kind}
    return {
        "ServiceCode": "AmazonSageMaker",
        "Filters": [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()],
    }


PRICE_LIST = Service("price-list", PRICES, "price_per_hour", lambda _, region: region, connect, ask)


def read_prices(items: Iterable[str], region: str, today: str) -> Told:
    """The one price of each instance type and kind that products (JSON) tell; where they tell several, a warning."""
    offers: dict[tuple[str, bool], list[Offer]] = {}
    unread = 0
    for item in items:
        try:
            for offer in _offers(_ITEM.decode(item), region, today):
                offers.setdefault((offer.instance_type, offer.is_spot), []).append(offer)
        except (msgspec.DecodeError, InvalidOperation, ValueError):
            unread += 1
    warnings = [f"{unread:,} products cannot be read, and give no price"] if unread else []
    rows, unclear = [], []
    for (instance_type, is_spot), told in sorted(offers.items()):
        prices = sorted({offer.price for offer in told})
        if len(prices) == 1:
            rows.append(_row(min(told, key=lambda offer: (offer.since, offer.rate_code)), region))
        else:
            listed = " and ".join(map(_text, prices))
            unclear.append(f"{instance_type}{' as spot' if is_spot else ''} costs {listed}")
    if unclear:
        more = f", and {len(unclear) - _MOST_NAMED:,} more" if len(unclear) > _MOST_NAMED else ""
        told_of = ", ".join(unclear[:_MOST_NAMED])
        warnings.append(f"several prices for one thing, so that none is taken: {told_of}{more}: write it in prices.csv")
    return Told(rows, today, warnings)


def _offers(item: _Item, region: str, today: str) -> Iterator[Offer]:
    """The prices an hour, not 0, that a product tells in its term in force, or in the next if none is yet."""
    of = item.product.attributes
    named = _INSTANCE_TYPE.search(f"{of.instance_name} {of.instance_type} {of.usagetype}")
    is_elsewhere = of.region_code != region or of.location_type != "AWS Region"  # as an outpost
    if named is None or is_elsewhere or of.platoinstancetype not in KINDS or not item.terms.on_demand:
        return
    terms = {date.fromisoformat(term.effective_date[:10]).isoformat(): term for term in item.terms.on_demand.values()}
    since = max((day for day in terms if day <= today), default=min(terms))
    for dimension in terms[since].price_dimensions.values():
        price = Decimal(dimension.price_per_unit.get(CURRENCY, "0"))
        if 0 < price <= HIGHEST and dimension.unit.lower() in _HOURLY:
            yield Offer(named[0], KINDS[of.platoinstancetype], price, since, dimension.rate_code)


def _row(offer: Offer, region: str) -> Row:
    return {
        "instance_type": offer.instance_type,
        "region": region,
        "is_spot": str(offer.is_spot).lower(),
        "valid_from": offer.since,
        "price_per_hour": _text(offer.price),
        "rate_code": offer.rate_code,
    }


def _text(price: Decimal) -> str:
    return f"{price.normalize():f}"
