"""The data dictionary, `docs/data-dictionary.md`: every table and column of the lake, written anew by `make docs`.

Here: the page, made from the layout, and its examples, taken from the made fleet. Not here: what columns mean
(``flatten/meanings.toml``), and the marts, which say it in their own files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from pipelines.cloudwatch.tables import METRIC_TABLES
from pipelines.flatten.documents import Row, read_rows, take_lines
from pipelines.flatten.layout import KEY_COLUMNS, LakeColumn, LakeTable, lake_tables, main_table
from pipelines.flatten.record import ListOf, MapOf, Node, Scalar, Structure
from pipelines.flatten.unnest import unnested
from pipelines.harvest.redact import Redactor
from pipelines.lake.sources import SOURCES
from pipelines.simulator.made_fleet import END_SECONDS, made_documents

PAGE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"

INTRODUCTION = """\
# Data dictionary

<!-- Written by `make docs`: change flatten/meanings.toml, not this page. -->

The schema `lake` is the TrainingJob record as tables: the newest version of each job as SageMaker's `Search` and
`DescribeTrainingJob` return it. A structure's members are columns of the table that it is in; each list or map is a
table of its own, whose rows have the job's ARN and their position. Times are UTC.

- **API path**: where the value is in the record. `[]` is each element of a list, `{}` each entry of a map.
- `…__count` is the length of a list or map: 0 if it is empty, null if the record has none. `…__present` tells an empty
  structure from one that the record has not.
- **Limits** are what SageMaker's service model says. Values beyond them are kept as they come, and so are new values of
  the lists: AWS adds some.
- **Examples** are from made-up jobs.
"""

HEADER = "| column | type | API path | meaning | limits | example |\n| --- | --- | --- | --- | --- | --- |"

# Longer lists of values are below the tables, once.
VALUES_IN_A_CELL = 20
EXAMPLE_CHARACTERS = 120
JOBS = 3000
ACCOUNT = "111122223333"
SOURCE = f"{ACCOUNT}-us-east-1"

METRICS = "Of the setting `cloudwatch`. Models may read it; it is not in the published file."
METRIC_EXAMPLES = {
    "account_id": ACCOUNT,
    "region": "us-east-1",
    "month": "2026-09",
    "training_job_arn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/shelf-vision-2026-09-30-08-00-00-00042",
    "host": "algo-1",
    "metric_name": "GPUUtilization",
    "period_start": datetime(2026, 9, 30, 8, 10, tzinfo=UTC),
    "period_seconds": 300,
    "value": 341.25,
    "maximum": 388.5,
    "window_start": datetime(2026, 9, 30, 8, tzinfo=UTC),
    "window_end": datetime(2026, 9, 30, 9, 55, tzinfo=UTC),
    "hosts": 2,
    "asked_at": datetime.fromtimestamp(END_SECONDS, UTC),
}

Examples = dict[str, Any]  # column -> value


def data_dictionary() -> str:
    """The page, as the installed service model and our own words give it."""
    examples, main, shared = _examples(), main_table(), len(KEY_COLUMNS)
    sections = [INTRODUCTION, "## In every table of the record\n", *_rows(main.columns[:shared], examples[main.name])]
    keys = ", ".join(f"`{column.name}`" for column in KEY_COLUMNS)
    for table in lake_tables():
        sections.append(f"\n## {table.name}\n\n{table.comment}\n\nIts columns are {keys} (see above) and\n")
        sections += _rows(table.columns[shared:], examples[table.name])
    sections.append(f"\n## {SOURCES.name}\n\n{SOURCES.comment}\n")
    last_look = {"source": SOURCE, "last_complete_look_at": datetime.fromtimestamp(END_SECONDS, UTC)}
    sections += _rows((LakeColumn(c.name, c.type, c.comment) for c in SOURCES.columns), last_look)
    for measured in METRIC_TABLES:
        sections.append(f"\n## {measured.name}\n\n{measured.comment}\n\n{METRICS}\n")
        sections += _rows((LakeColumn(c.name, c.type, c.comment) for c in measured.columns), METRIC_EXAMPLES)
    sections.append("\n## Lists of values")
    for shape, values in sorted(_long_lists().items()):
        sections.append(f"\n### {shape}\n\n{', '.join(f'`{value}`' for value in values)}")
    return "\n".join(sections) + "\n"


def _rows(columns: Iterable[LakeColumn], examples: Examples) -> Iterator[str]:
    yield HEADER
    for column in columns:
        path = f"`{column.path}`" if column.path else ""
        cells = (
            f"`{column.name}`",
            column.type,
            path,
            column.comment,
            _limits(column.node),
            _shown(examples.get(column.name)),
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _limits(node: Node | None) -> str:
    if isinstance(node, ListOf | MapOf):
        return _range(node.least, node.most, "elements" if isinstance(node, ListOf) else "entries")
    if not isinstance(node, Scalar):
        return ""
    if len(node.enum) > VALUES_IN_A_CELL:
        return f"one of [{node.shape}](#{node.shape.lower()})"
    if node.enum:
        return "one of " + ", ".join(f"`{value}`" for value in node.enum)
    limits = _range(node.least, node.most, "characters" if node.kind == "string" else "")
    return ", ".join(filter(None, (limits, f"`{node.pattern}`" if node.pattern else "")))


def _range(least: int | None, most: int | None, of: str) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"at least {least} {of}".rstrip()
    return (f"{least} to {most} {of}" if least else f"at most {most} {of}").rstrip()


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"`{value:%Y-%m-%d %H:%M:%S}`"
    text = str(value).lower() if isinstance(value, bool) else str(value).replace("\n", "\\n")
    return f"`{text if len(text) <= EXAMPLE_CHARACTERS else text[:EXAMPLE_CHARACTERS] + '…'}`"


def _long_lists() -> dict[str, tuple[str, ...]]:
    nodes = (column.node for table in lake_tables() for column in table.columns)
    return {n.shape: n.enum for n in nodes if isinstance(n, Scalar) and len(n.enum) > VALUES_IN_A_CELL}


def _examples() -> dict[str, Examples]:
    """For each table the first values within the limits that the made fleet's jobs of one account have."""
    documents = (Redactor().redact(msgspec.json.encode(document)) for document in made_documents(7, JOBS, END_SECONDS))
    lines = (b'{"observed_at":%d,"document":%b}' % (END_SECONDS, document) for document in documents)
    newest: dict[str, Row] = {}
    take_lines(lines, SOURCE, newest)
    with duckdb.connect() as connection:
        nested = read_rows(connection, [row for row in newest.values() if row.partition[0] == ACCOUNT])
    tables = {table.name: rows.to_pylist() for table, rows in unnested(nested)}
    return {table.name: _examples_of(table, tables.get(table.name, [])) for table in lake_tables()}


def _examples_of(table: LakeTable, rows: list[Examples]) -> Examples:
    examples: Examples = {}
    for row in sorted(rows, key=lambda row: [(value is None, value) for value in row.values()]):
        for column in table.columns:
            value = row[column.name]
            if column.name not in examples and value not in (None, "") and _is_within(value, column.node):
                examples[column.name] = value
        if len(examples) == len(table.columns):
            break
    return examples


def _is_within(value: Any, node: Node | None) -> bool:
    """Whether a value keeps the limits that examples could break: the made fleet has oddities."""
    if isinstance(node, Scalar) and node.enum:
        return value in node.enum
    if node is None or isinstance(node, Structure) or not isinstance(value, str | int | float):
        return True
    size = len(value) if isinstance(value, str) else value
    return (node.least is None or size >= node.least) and (node.most is None or size <= node.most)


if __name__ == "__main__":
    PAGE.write_text(data_dictionary(), "utf-8")
