"""What instances of a type have. That is data: the oracle reads the same."""

import csv
from pathlib import Path

with (Path(__file__).parents[2] / "reference" / "instance_types.csv").open(newline="", encoding="utf-8") as _lines:
    TYPES = {row["instance_type"]: row for row in csv.DictReader(_lines)}

GPUS = {name: int(row["gpus"]) if row["gpus"] else None for name, row in TYPES.items()}
