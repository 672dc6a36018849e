"""Made-up prices, quotas and capacities for the jobs of some documents, as rows and as a user's files.

Prices and quotas change now and then, some types have none, and some rows are there for nobody.
"""

import csv
from datetime import timedelta
from random import Random

from tests.oracle.intervals import EPOCH


def reference_for(documents, seed=1):
    """Table -> its rows, as dicts with dates."""
    random = Random(seed)
    used = sorted(
        {
            (arn[4], arn[3], group.get("InstanceType") or "unknown")
            for document in documents
            for arn in [document["TrainingJobArn"].split(":")]
            for config in [document.get("ResourceConfig") or {}]
            for group in config.get("InstanceGroups") or [config]
        }
    )
    first, last = (
        (EPOCH + timedelta(seconds=choose(document["CreationTime"] for document in documents))).date()
        for choose in (min, max)
    )

    def days(most):
        """Some days from before the first creation to after the last."""
        span = (last - first).days
        return sorted({first + timedelta(days=random.randint(-10, span + 10)) for _ in range(random.randint(0, most))})

    return {
        "prices": [
            {
                "instance_type": instance_type,
                "region": region,
                "is_spot": is_spot,
                "valid_from": day,
                "price_per_hour": random.randint(1, 4000) / 100,
            }
            for region, instance_type in sorted({(region, instance_type) for _, region, instance_type in used})
            for is_spot in (False, True)
            for day in days(3)
        ],
        "quotas": [
            {
                "account_id": account_id,
                "region": region,
                "instance_type": instance_type,
                "is_spot": is_spot,
                "valid_from": day,
                "instances": random.choice([0, 1, 2, 4, 8, None]) if instance_type != "all" else random.randint(0, 12),
                "kind": kind,
            }
            for account_id, region, instance_type in [*used, *sorted({(*place, "all") for *place, _ in used})]
            for is_spot, kind in ((False, "training_jobs"), (True, "training_jobs"), (False, "warm_pools"))
            for day in days(3)
        ],
        "capacities": [
            {
                "account_id": account_id,
                "region": region,
                "instance_type": instance_type,
                "valid_from": day,
                "valid_until": random.choice([None, day + timedelta(days=random.randint(0, 40))]),
                "instances": random.randint(0, 20),
            }
            for account_id, region, instance_type in used
            for day in days(2)
        ],
    }


def write_reference(reference, folder):
    """Write the tables as a user would, below the data directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in reference.items():
        if rows:
            with (folder / f"{table}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
