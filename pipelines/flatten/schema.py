"""The schema that users of the lake rely on, `schema.csv`: a column that is in it stays, whatever botocore drops.

Here: reading it, and accepting what a newer botocore adds (`make accept-schema`). Not here: how ``layout`` keeps to it.
"""

from __future__ import annotations

import csv
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.csv")


@dataclass(frozen=True)
class Promised:
    """A column of a lake table, its DuckDB type, and the API path of the member it tells of ("" for none)."""

    table: str
    name: str
    type: str
    path: str


@cache
def promised_columns() -> tuple[Promised, ...]:
    """Every column that is promised, by table, in the tables' order."""
    with SCHEMA.open(encoding="utf-8", newline="") as file:
        return tuple(Promised(**row) for row in csv.DictReader(file))


def given_columns() -> tuple[Promised, ...]:
    """Every column of the lake with the installed botocore: those that are promised, and those that it adds."""
    from pipelines.flatten.layout import lake_tables  # which reads what is promised

    return tuple(
        Promised(table.name, column.name, column.type, column.path)
        for table in lake_tables()
        for column in table.columns
    )


def accept() -> None:
    """Promise what the installed botocore adds."""
    columns = given_columns()
    with SCHEMA.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Promised))
        writer.writerows(astuple(column) for column in columns)


if __name__ == "__main__":
    accept()
