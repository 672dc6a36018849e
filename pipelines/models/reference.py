"""Reference tables: data that the project brings, AWS tells, and a user may extend.

Here: what they are, and reading them from files of the same names in the project's `reference/`, in `fetched/` and in
the user's own `reference/` below the data directory: rows of a later one of these replace those of the same key. Not
here: asking AWS (``fetched``), and what models make of them.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.errors import TrainyardError
from pipelines.tables import Column, Table, literal, quoted


@dataclass(frozen=True)
class ReferenceTable:
    """A table read from `<name>.csv`, the columns that are its key, and the one, if any, of regular expressions.

    ``added``: columns that files may lack, each with the SQL of what stands for what is not told.
    """

    table: Table
    key: tuple[str, ...]
    pattern: str | None = None
    added: Mapping[str, str] = field(default_factory=dict)


INSTANCE_TYPES = ReferenceTable(
    Table(
        "reference",
        "instance_types",
        "One row per instance type that SageMaker has offered for training.",
        (
            Column("instance_type", "VARCHAR", "Name of the type, as in ResourceConfig.InstanceType."),
            Column("instance_family", "VARCHAR", "Family of the type, as `p4d`."),
            Column("vcpus", "INTEGER", "Virtual CPUs of one instance."),
            Column("memory_gib", "DOUBLE", "Memory of one instance, GiB."),
            Column("gpus", "INTEGER", "GPUs of one instance; 0 for none, null where it is not a whole number."),
            Column("gpu_model", "VARCHAR", "Model of its GPUs; null without GPUs."),
            Column("gpu_memory_gib", "DOUBLE", "Memory of all its GPUs together, GiB; null without GPUs."),
            Column("accelerators", "INTEGER", "Training accelerators of one instance that are no GPUs."),
            Column("accelerator_model", "VARCHAR", "Model of those accelerators; null without any."),
        ),
    ),
    ("instance_type",),
)

FAILURE_RULES = ReferenceTable(
    Table(
        "reference",
        "failure_rules",
        "One row per rule that classifies a FailureReason: of the rules that match, the least priority decides.",
        (
            Column("priority", "INTEGER", "Rank of the rule: the least wins."),
            Column(
                "pattern",
                "VARCHAR",
                "Regular expression (RE2) looked for in the FailureReason, quoted command lines apart.",
            ),
            Column("failure_class", "VARCHAR", "Class of the failures that it matches."),
            Column("actor", "VARCHAR", "Who can mend them: `user`, `platform` or `aws`."),
            Column("example", "VARCHAR", "A FailureReason that it decides."),
        ),
    ),
    ("priority",),
    "pattern",
)

PRICES = ReferenceTable(
    Table(
        "reference",
        "prices",
        "One row per instance type, region, spot or not, and day from which the price holds: until the next such day.",
        (
            Column("instance_type", "VARCHAR", "Name of the type, as in ResourceConfig.InstanceType."),
            Column("region", "VARCHAR", "AWS region."),
            Column(
                "is_spot",
                "BOOLEAN",
                "For spot jobs? Without it they have that on demand: their discount is in the seconds billed.",
            ),
            Column("valid_from", "DATE", "First day on which it holds."),
            Column("price_per_hour", "DOUBLE", "Price of one instance for an hour, all in the same currency."),
            Column("rate_code", "VARCHAR", "Its RateCode in AWS's Price List and bills; none if that is not known."),
        ),
    ),
    ("instance_type", "region", "is_spot", "valid_from"),
    added={"rate_code": "null"},
)

QUOTAS = ReferenceTable(
    Table(
        "reference",
        "quotas",
        "One row per account, region, instance type, spot or not, kind, and day from which the quota holds: until the"
        " next.",
        (
            Column("account_id", "VARCHAR", "AWS account, 12 digits."),
            Column("region", "VARCHAR", "AWS region."),
            Column(
                "instance_type", "VARCHAR", "Name of the type, as in ResourceConfig.InstanceType; `all` types together."
            ),
            Column("is_spot", "BOOLEAN", "Whether it is the quota of spot training jobs."),
            Column("valid_from", "DATE", "First day on which it holds."),
            Column("instances", "BIGINT", "Instances that may be in use at once; none if the quota is not known."),
            Column(
                "kind", "VARCHAR", "Of what it is: `training_jobs`, or `warm_pools`, which keep instances after a job."
            ),
            Column("quota_code", "VARCHAR", "Its code in Service Quotas; none if that is not known."),
        ),
    ),
    ("account_id", "region", "instance_type", "is_spot", "kind", "valid_from"),
    added={"kind": "'training_jobs'", "quota_code": "null"},
)

CAPACITIES = ReferenceTable(
    Table(
        "reference",
        "capacities",
        "One row per block of capacity: instances that are there for an account, as by a training plan.",
        (
            Column("account_id", "VARCHAR", "AWS account, 12 digits."),
            Column("region", "VARCHAR", "AWS region."),
            Column("instance_type", "VARCHAR", "Name of the type, as in ResourceConfig.InstanceType."),
            Column("valid_from", "DATE", "First day on which it is there."),
            Column("valid_until", "DATE", "First day on which it is there no more; none if it has no end yet."),
            Column("instances", "BIGINT", "Number of its instances."),
        ),
    ),
    ("account_id", "region", "instance_type", "valid_from"),
)

REFERENCE_TABLES = (INSTANCE_TYPES, FAILURE_RULES, PRICES, QUOTAS, CAPACITIES)


def file_of(table: ReferenceTable, folder: Path) -> Path:
    """The file of a table's rows in a folder."""
    return folder / f"{table.table.name}.csv"


def select_reference(table: ReferenceTable, *folders: Path) -> str:
    """A SELECT of the table's rows in those of these folders that have its file; a later folder's replace an earlier's.

    Raises TrainyardError for a file that cannot be read as this table.
    """
    files = [file_of(table, folder) for folder in reversed(folders)]
    files = [file for file in files if file.exists()]
    for file in files:
        _check(table, file)
    ranked = " union all ".join(
        f"select *, {rank} as rank from {_read(table, file)}" for rank, file in enumerate(files)
    )
    return (
        f"select {table.table.column_list()} from ({ranked})"
        f" qualify row_number() over (partition by {_key(table)} order by rank) = 1"
    )


def _read(table: ReferenceTable, file: Path) -> str:
    """The rows of a file, with all columns of the table, as what stands after FROM."""
    told = [column for column in table.table.columns if column.name in _header(file).split(",")]
    columns = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in told)
    rows = f"read_csv({literal(str(file))}, header = true, auto_detect = false, quote = '\"', columns = {{{columns}}})"
    if not table.added:
        return rows
    names = {column.name: quoted(column.name) for column in told}
    for name, instead in table.added.items():
        names[name] = f"coalesce({names.get(name, 'null')}, {instead}) as {quoted(name)}"
    return f"(select {', '.join(names[column.name] for column in table.table.columns)} from {rows})"


def _header(file: Path) -> str:
    with file.open("rb") as lines:
        return lines.readline().removeprefix(BOM_UTF8).strip().decode(errors="replace")


def _check(table: ReferenceTable, file: Path) -> None:
    names, told = [column.name for column in table.table.columns], _header(file).split(",")
    if told != [name for name in names if name in told or name not in table.added]:
        raise TrainyardError(f"{file}: its first line must be {','.join(names)}")
    try:
        with duckdb.connect() as connection:
            # All columns, for DuckDB does not parse those that nobody reads.
            connection.execute(f"create table rows as select * from {_read(table, file)}")
            if table.pattern:
                connection.execute(f"select regexp_matches('', {quoted(table.pattern)}) from rows").fetchall()
            lacking = " or ".join(f"{quoted(column)} is null" for column in table.key)
            wrong = connection.execute(
                f"select {_key(table)}, {lacking} from rows group by {_key(table)}"
                f" having count(*) > 1 or {lacking} order by {_key(table)} limit 1"
            ).fetchall()
    except duckdb.Error as error:
        reason = " ".join(str(error).split("Possible")[0].split())
        raise TrainyardError(f"{file}: correct this: {reason}") from None
    if wrong:
        *values, is_lacking = wrong[0]
        found = "one has none" if is_lacking else f"several have {', '.join(map(str, values))}"
        raise TrainyardError(f"{file}: give each row its own {', '.join(table.key)}: {found}")


def _key(table: ReferenceTable) -> str:
    return ", ".join(quoted(column) for column in table.key)
