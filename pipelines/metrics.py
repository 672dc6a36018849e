"""The catalogue of metrics, `docs/metrics.md`: what each is, and the marts and examples of it, written by `make docs`.

Here: the page, put together from `sql/metrics.toml` (the words), the marts (their columns) and the examples. A mart or
an example is of the metrics whose ids the comment at its top names. Not here: what computes a metric, which is `sql/`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from pipelines.tables import Column, Table

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

INTRODUCTION = """\
# Metrics

<!-- Written by `make docs`: change sql/metrics.toml and the files of sql/, not this page. -->

What the [marts](#the-marts) compute, exactly. For each metric: what it is and how it is computed, in which marts and
columns it is, what it does not say, how other systems define it, and questions that it answers.

- Names such as `started_at` are columns of `marts.fct_training_jobs`, one row a job. A job is *started* once it had its
  instances: began to download or to train. It is *ended* with the status Completed, Failed or Stopped, else open.
- What is open counts up to the instant at which it was last seen (`observed_at`), never up to the clock of the build:
  the same records give the same marts.
- Intervals are half-open. Instants are UTC; dates, months and hours are of the setting `time_zone`.
- What a record does not tell is null, not 0, and is left out of sums; where that matters, a share of what is known
  stands beside them.
- A share of jobs has its interval of 95 % (Wilson), as `..._low` and `..._high`, with the jobs that it is of beside it;
  a rate of events that of Poisson's distribution (Garwood). What rests on fewer than 20 is marked `is_small_sample`.
"""


@dataclass(frozen=True)
class Metric:
    """A metric in words, as `sql/metrics.toml` has it."""

    id: str
    name: str
    definition: str
    formula: str
    limits: str
    elsewhere: str

    @property
    def heading(self) -> str:
        """Its heading on the page."""
        return f"{self.id} {self.name}"


@dataclass(frozen=True)
class Example:
    """A file of `sql/examples`: its question, the metrics that answer it, and the SELECT."""

    path: Path
    question: str
    metrics: frozenset[str]
    sql: str


def metric_catalogue() -> str:
    """The page, as the files of `sql/` give it."""
    marts, examples = read_marts(), read_examples()
    metrics = read_metrics()
    parts = [INTRODUCTION, *(f"- [{metric.heading}](#{_anchor(metric.heading)})" for metric in metrics)]
    for metric in metrics:
        of_metric = [mart for mart in marts if metric.id in metric_ids(mart.comment)]
        parts += _section(metric, of_metric, [example for example in examples if metric.id in example.metrics])
    parts.append("\n## The marts\n\nEvery mart and column, as the comments in the published file say it.")
    for mart in marts:
        parts += [f"\n### {mart.name}\n\n{mart.comment}\n", *_rows(mart.columns)]
    return "\n".join(parts) + "\n"


def read_metrics() -> tuple[Metric, ...]:
    """The metrics of `sql/metrics.toml`, in its order."""
    words = tomllib.loads((shipped("sql") / "metrics.toml").read_text("utf-8"))
    return tuple(
        Metric(metric, **{field: text.strip() for field, text in fields.items()}) for metric, fields in words.items()
    )


def read_marts() -> tuple[Table, ...]:
    """The marts, by name."""
    return tuple(sorted(load_catalogue(shipped("sql")).marts, key=lambda table: table.name))


def read_examples() -> tuple[Example, ...]:
    """The examples, by name: the first line of each is its question, the rest of its head names the metrics."""
    return tuple(_example(path) for path in sorted(shipped("sql").glob("examples/*.sql")))


def metric_ids(comment: str) -> frozenset[str]:
    """The ids of metrics that a comment names."""
    return frozenset(re.findall(r"\bM\d\d\b", comment))


def formula_names(formula: str) -> tuple[str, ...]:
    """What a formula names: what it defines, at the beginning of its lines, and all that has an underscore."""
    unquoted = re.sub(r"(?<!\w)'[^']*'", "", formula)  # an apostrophe follows a letter
    return tuple(dict.fromkeys(re.findall(r"^[a-z]\w*(?= *=)|\b[a-z]\w*_\w+", unquoted, flags=re.MULTILINE)))


def _example(path: Path) -> Example:
    lines = path.read_text("utf-8").splitlines()
    head = list(takewhile(lambda line: line.startswith("-- "), lines))
    question, *others = (line.removeprefix("-- ") for line in head)
    return Example(path, question, metric_ids(" ".join(others)), "\n".join(lines[len(head) :]))


def _section(metric: Metric, marts: list[Table], examples: list[Example]) -> Iterator[str]:
    yield f"\n## {metric.heading}\n\n{metric.definition}\n\n```text\n{metric.formula}\n```\n"
    for mart in marts:
        yield f"- [`{mart.name}`](#{mart.name}): one row{_grain(mart)}"
    columns = {column.name: column for mart in reversed(marts) for column in mart.columns}
    if named := [columns[name] for name in formula_names(metric.formula) if name in columns]:
        yield ""
        yield from _rows(named)
    yield f"\n**What it does not say.** {metric.limits}\n\n**Elsewhere.** {metric.elsewhere}"
    for example in examples:
        link = f"[`{example.path.name}`](../sql/examples/{example.path.name})"
        yield f"\n**{example.question}** ({link})\n\n```sql\n{example.sql}\n```"


def _grain(mart: Table) -> str:
    """What one row of a mart is: " per …", or nothing if there is only one."""
    return mart.comment.removeprefix("One row").split(":", 1)[0]


def _rows(columns: Iterable[Column]) -> Iterator[str]:
    yield "| column | type | is |\n| --- | --- | --- |"
    for column in columns:
        yield f"| `{column.name}` | {column.type} | {column.comment.replace('|', chr(92) + '|')} |"


def _anchor(heading: str) -> str:
    """What GitHub makes of a heading for links to it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(metric_catalogue(), "utf-8")
