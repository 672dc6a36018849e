"""Made-up measurements of the jobs of some documents, as rows, and in a data directory as CloudWatch's are kept.

Some hosts, metrics and times have none, some lie beside the run, and some GPUs idle.
"""

from datetime import timedelta
from random import Random

import pyarrow as pa

from pipelines.cloudwatch import store
from pipelines.cloudwatch.tables import HARDWARE_METRICS, METRIC_TABLES, METRIC_WINDOWS
from tests.oracle.intervals import EPOCH

METRICS = ("GPUUtilization", "GPUMemoryUtilization", "CPUUtilization", "MemoryUtilization", "DiskUtilization", "Other")
KINDS = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "TIMESTAMP": pa.timestamp("us")}


def measurements_of(documents, seed=1):
    """Rows of `lake.hardware_metrics`, as dicts."""
    random = Random(seed)
    rows = []
    for document in documents:
        config = document.get("ResourceConfig") or {}
        counts = [group.get("InstanceCount") or 0 for group in config.get("InstanceGroups") or [config]]
        start = document.get("TrainingStartTime") or document["CreationTime"]
        end = document.get("TrainingEndTime") or start + random.choice([0, 600, 9000])
        missing, load = random.choice([0, 0, 0.3, 1]), random.choice([0.02, 0.3, 0.9])
        period = random.choice([60, 300, 3600])
        for host in range(1, min(max(sum(counts), 0), 3) + 1):
            for metric in METRICS:
                if random.random() < missing:
                    continue
                first = int(start // period) + random.choice([-1, 0, 0, 1])
                for number in range(random.randint(1, 6)):
                    begin = (first + number) * period
                    value = random.choice([0, 100 * load * random.random() * random.choice([1, 1, 4])])
                    if begin < end + 2 * period:
                        rows.append(row(document, f"algo-{host}", metric, begin, period, value, random))
    return rows


def row(document, host, metric, begin, period, value, random):
    _, _, _, region, account, _ = document["TrainingJobArn"].split(":", 5)
    created = EPOCH + timedelta(seconds=document["CreationTime"])
    return {
        "account_id": account,
        "region": region,
        "month": f"{created:%Y-%m}",
        "training_job_arn": document["TrainingJobArn"],
        "host": host,
        "metric_name": metric,
        "period_start": EPOCH + timedelta(seconds=begin),
        "period_seconds": period,
        "value": float(value),
        "maximum": None if period == 60 else value * random.choice([1.0, 1.5]),
    }


def keep(home, rows):
    """Keep rows as if CloudWatch had given them."""
    windows = [
        row
        | {
            "window_start": row["period_start"],
            "window_end": row["period_start"] + timedelta(seconds=row["period_seconds"]),
            "hosts": 1,
            "asked_at": row["period_start"] + timedelta(days=1),
        }
        for row in {row["training_job_arn"]: row for row in rows}.values()
    ]
    of_table = {HARDWARE_METRICS.name: rows, METRIC_WINDOWS.name: windows}
    with home.writing():
        store.add(home, {table.name: _arrow(table, of_table.get(table.name, [])) for table in METRIC_TABLES})


def _arrow(table, rows):
    schema = pa.schema([(column.name, KINDS[column.type]) for column in table.columns])
    return pa.Table.from_pylist(rows, schema)
