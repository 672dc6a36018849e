"""AWS's Price List, the part that tells what SageMaker's instances cost: GetProducts, as AWS JSON 1.1.

The prices are made up, of what a type has: about what AWS asks. Types of one family become cheaper one day. Beside the
products of training there are others of the same types, as in AWS's own list. The list is the same for every account.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from pipelines.shipped import shipped
from pipelines.simulator.errors import ServiceError, invalid
from pipelines.simulator.paging import Parameters, page_of, question_of

MOST_RESULTS = 100

USD_A_VCPU = 0.0575
USD_A_GPU = {"K80": 0.95, "V100": 3.36, "T4": 0.45, "A10G": 1.05, "L4": 0.75, "L40S": 2.1, "A100": 4.02, "H100": 11.6}
USD_ANOTHER_GPU, USD_AN_ACCELERATOR = 8.0, 1.1
DEARER = {"us-east-1": 1.0, "us-east-2": 1.0, "us-west-2": 1.0}
DEARER_ELSEWHERE = 1.12

PRICED_SINCE = "2025-09-01"
# This family costs so much of what it did, since that day.
CHEAPER_FAMILY, CHEAPER_BY, CHEAPER_SINCE = "ml.p4d.", 0.67, "2026-03-01"

# What `platoinstancetype` tells, and how the usage type begins.
USES = {"Training": "Train", "SpotTraining": "TrainSpot", "Hosting": "Host", "Processing": "Processing"}


class PriceList:
    """The service."""

    def respond(self, operation: str, body: bytes, account: str | None, region: str, now: float) -> bytes:
        """The answer to a call at an instant (epoch seconds); raises ``ServiceError``."""
        if operation != "GetProducts":
            raise ServiceError("UnknownOperationException", f"The simulator has no operation {operation}.")
        parameters = msgspec.json.decode(body, type=Parameters)
        if parameters.get("ServiceCode") != "AmazonSageMaker":
            raise invalid("The simulator prices AmazonSageMaker alone.")
        wanted = {each["Field"]: each["Value"] for each in parameters.get("Filters", [])}
        today = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        items = [
            item
            for attributes, item in _products(wanted.get("regionCode", "us-east-1"), today)
            if all(attributes.get(name) == value for name, value in wanted.items())
        ]
        page, token = page_of(items, question_of(operation, parameters), parameters, MOST_RESULTS)
        return msgspec.json.encode({"FormatVersion": "aws_v1", "PriceList": page, **token})


def made_price(instance_type: str, region: str, day: str) -> tuple[str, float]:
    """Since when an instance costs what it does on a day, and how many dollars an hour that is."""
    is_cheaper = instance_type.startswith(CHEAPER_FAMILY) and day >= CHEAPER_SINCE
    price = _usual_prices()[instance_type] * DEARER.get(region, DEARER_ELSEWHERE) * (CHEAPER_BY if is_cheaper else 1)
    return (CHEAPER_SINCE if is_cheaper else PRICED_SINCE), round(price, 4)


def made_products(region: str, day: str) -> Iterator[dict[str, Any]]:
    """The products of a region with their terms on a day."""
    for instance_type in _usual_prices():
        since, price = made_price(instance_type, region, day)
        for use, usage in USES.items():
            of_use = price if use == "Training" else round(price * 1.05, 4)
            sku = _code(region, instance_type, use)
            rate = f"{sku}.JRTCKXETXF.6YS6EN2CT7"
            yield {
                "product": {
                    "sku": sku,
                    "productFamily": "ML Instance",
                    "attributes": {
                        "regionCode": region,
                        "locationType": "AWS Region",
                        "servicecode": "AmazonSageMaker",
                        "component": use,
                        "platoinstancetype": use,
                        "instanceName": instance_type,
                        "usagetype": f"{usage}:{instance_type}",
                    },
                },
                "serviceCode": "AmazonSageMaker",
                "terms": {
                    "OnDemand": {
                        f"{sku}.JRTCKXETXF": {
                            "effectiveDate": f"{since}T00:00:00Z",
                            "priceDimensions": {
                                rate: {
                                    "rateCode": rate,
                                    "unit": "Hrs",
                                    "beginRange": "0",
                                    "endRange": "Inf",
                                    "pricePerUnit": {"USD": f"{of_use:.10f}"},
                                }
                            },
                        }
                    }
                },
            }


@cache
def _products(region: str, day: str) -> list[tuple[dict[str, str], str]]:
    """The attributes of each product of a region, and all of it as JSON."""
    products = made_products(region, day)
    return [(each["product"]["attributes"], msgspec.json.encode(each).decode()) for each in products]


@cache
def _usual_prices() -> dict[str, float]:
    """What each instance type costs where it is not dearer, before any became cheaper."""
    with (shipped("reference") / "instance_types.csv").open(encoding="utf-8") as lines:
        return {row["instance_type"]: _usual_price(row) for row in csv.DictReader(lines)}


def _usual_price(row: dict[str, str]) -> float:
    a_gpu = next((usd for model, usd in USD_A_GPU.items() if row["gpu_model"].endswith(model)), USD_ANOTHER_GPU)
    return (
        USD_A_VCPU * int(row["vcpus"] or 0)
        + a_gpu * int(row["gpus"] or 0)
        + USD_AN_ACCELERATOR * int(row["accelerators"] or 0)
    )


def _code(*of: str) -> str:
    return hashlib.sha256("/".join(of).encode()).hexdigest()[:16].upper()
