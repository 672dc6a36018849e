"""Which price a product tells, and that none is guessed where products tell several."""

import json

import pytest

from pipelines.price_list import read_prices

REGION, TODAY = "eu-west-1", "2026-03-10"


def term(per_unit="2.5000000000", since="2026-03-01", unit="Hrs", currency="USD", rate="S.T.R"):
    dimension = {"rateCode": rate, "unit": unit, "pricePerUnit": {currency: per_unit}, "description": "an hour"}
    return {"effectiveDate": f"{since}T00:00:00Z", "priceDimensions": {rate: dimension}, "termAttributes": {}}


def product(*terms, use="Training", **attributes):
    told = {"regionCode": REGION, "platoinstancetype": use, "instanceName": "ml.p5.48xlarge"} | attributes
    on_demand = {str(number): each for number, each in enumerate(terms or [term()])}
    return json.dumps({"product": {"sku": "S", "attributes": told}, "terms": {"OnDemand": on_demand, "Reserved": {}}})


def read(*products):
    told = read_prices(products, REGION, TODAY)
    columns = ("instance_type", "is_spot", "valid_from", "price_per_hour")
    return [tuple(row[column] for column in columns) for row in told.rows], told.warnings


ON_DEMAND = ("ml.p5.48xlarge", "false", "2026-03-01", "2.5")


def test_training_and_spot_training_are_two_things():
    spot = product(term("3"), use="SpotTraining")
    assert read(product(), spot) == ([ON_DEMAND, ("ml.p5.48xlarge", "true", "2026-03-01", "3")], [])


@pytest.mark.parametrize(
    "other",
    [
        product(term("9"), use="Hosting"),
        product(term("9"), regionCode="us-east-1"),
        product(term("9"), locationType="AWS Outposts"),
        product(term("9"), instanceName="NA"),
        product(term("0.0000000000")),
        product(term("Infinity")),
        product(term("9", unit="GB-Mo")),
        product(term("9", currency="CNY")),
        product(term("9", since="2026-02-01"), term()),  # of two terms the one in force
        product(term(), term("9", since="2026-04-01")),
        product(term("2.50")),  # the same price again
        json.dumps({"product": {"attributes": {}}}),
    ],
)
def test_what_is_no_other_price_of_training_is_passed_over(other):
    assert read(product(), other) == ([ON_DEMAND], [])
    assert read(other, product()) == ([ON_DEMAND], [])


@pytest.mark.parametrize(
    "attributes",
    [
        {"instanceName": "", "instanceType": "ml.p5.48xlarge-Training"},
        {"instanceName": "NA", "instanceType": "NA", "usagetype": "EU-Train:ml.p5.48xlarge"},
    ],
)
def test_the_type_is_named_in_several_ways(attributes):
    assert read(product(**attributes)) == ([ON_DEMAND], [])


def test_two_prices_for_one_thing_are_told_and_none_is_taken():
    others = [product(term(price), use="SpotTraining") for price in ("3", "4")]
    rows, (warning,) = read(product(), *others)
    assert rows == [ON_DEMAND]
    assert "ml.p5.48xlarge as spot costs 3 and 4" in warning
    tiers = term()
    tiers["priceDimensions"]["more"] = term("1")["priceDimensions"]["S.T.R"]
    rows, (warning,) = read(product(tiers))
    assert (rows, "costs 1 and 2.5" in warning) == ([], True)


def test_a_price_that_has_not_begun_is_of_the_day_on_which_it_does():
    assert read(product(term(since="2026-04-01")))[0] == [("ml.p5.48xlarge", "false", "2026-04-01", "2.5")]


def test_the_earliest_of_the_same_price_counts():
    assert read(product(), product(term(since="2026-01-01")))[0] == [("ml.p5.48xlarge", "false", "2026-01-01", "2.5")]


def test_what_cannot_be_read_is_counted():
    rows, (warning,) = read(product(), "{", '{"product": 7}', product(term("a lot")), product(term(since="someday")))
    assert rows == [ON_DEMAND]
    assert warning.startswith("4 products cannot be read")
