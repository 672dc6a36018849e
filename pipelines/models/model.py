"""A model: one SELECT in a file of `sql/`, whose comments are its documentation and its checks.

Here: reading the text of one file. The comment at its top says the grain and carries `@unique` and `@check` lines; the
comment at the end of the line on which an output column ends is that column's sentence. `@incremental` there says that
what it makes of a job depends on that job's rows alone, or on those of jobs created in the same month: it is run part
by part. Not here: other models (see ``catalogue``), or running it (``build``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import TrainyardError
from pipelines.tables import quoted

_INCREMENTAL = "@incremental"
_UNIQUE = re.compile(r"@unique:\s*(?P<columns>.+)")
_CHECK = re.compile(r"@check\s+(?P<name>\w+):\s*(?P<expression>.+)")
_COMMENT = re.compile(r"\s*--\s*(?P<text>.+)")
# Right after an item, on its own line: a comment further on is another item's.
_SENTENCE = re.compile(r"[ \t]*--[ \t]*(?P<text>.+)")


@dataclass(frozen=True)
class Check:
    """What must hold: ``violations`` is a SELECT of the rows for which it does not."""

    name: str
    description: str
    violations: str


@dataclass(frozen=True)
class Item:
    """An output column as written: its name, its sentence ("" if it has none beside it) and its line."""

    name: str
    comment: str
    line: int


@dataclass(frozen=True)
class Model:
    """A file of `sql/`, parsed."""

    schema: str
    name: str
    path: Path
    sql: str
    grain: str
    is_incremental: bool
    checks: tuple[Check, ...]
    items: tuple[Item, ...]

    @property
    def qualified_name(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def dependencies(self) -> frozenset[str]:
        """The relations it reads, as ``schema.name``: what DuckDB's own parser finds in it and in its checks."""
        with duckdb.connect() as connection:
            read = _relations(connection, self, self.sql)
            checked = {name for check in self.checks for name in _relations(connection, self, check.violations)}
        return frozenset(read | checked - {self.qualified_name})

    def wrong(self, reason: str, line: int = 1) -> TrainyardError:
        """The error that says what is wrong in the file, and where."""
        return TrainyardError(f"{self.path}:{line}: {' '.join(reason.split())}")


def read_model(path: Path) -> Model:
    """Parse a file ``<schema>/<name>.sql``; raises TrainyardError with file and line."""
    sql = path.read_text(encoding="utf-8")
    schema, name = path.parent.name, path.stem
    sentences, checks = _head(sql, f"{schema}.{name}")
    is_incremental = _INCREMENTAL in sentences
    grain = " ".join(sentence for sentence in sentences if sentence != _INCREMENTAL)
    model = Model(schema, name, path, sql, grain, is_incremental, tuple(checks), tuple(_items(sql)))
    if not model.grain.startswith(("One row per ", "One row: ")):
        raise model.wrong("the comment at the top must begin with the grain: `-- One row per …` or `-- One row: …`")
    for unknown in (sentence for sentence in sentences if sentence.startswith("@") and sentence != _INCREMENTAL):
        raise model.wrong(f"{unknown} is no `@unique: columns`, `@check name: expression` or `{_INCREMENTAL}`")
    return model


def _head(sql: str, qualified_name: str) -> tuple[list[str], list[Check]]:
    """The lines of the comment at the top, and the checks among them."""
    sentences: list[str] = []
    checks: list[Check] = []
    for line in sql.splitlines():
        comment = _COMMENT.fullmatch(line)
        if not comment:
            break
        text = comment["text"]
        if key := _UNIQUE.fullmatch(text):
            checks.append(_unique(key["columns"], qualified_name))
        elif check := _CHECK.fullmatch(text):
            violations = f"select * from {qualified_name} where ({check['expression']}) is not true"
            checks.append(Check(check["name"], check["expression"], violations))
        else:
            sentences.append(text)
    return sentences, checks


def _unique(columns: str, qualified_name: str) -> Check:
    names = [name.strip() for name in columns.split(",")]
    key = ", ".join(quoted(name) for name in names)
    return Check(
        "unique_" + "_and_".join(names),
        f"No two rows have the same {columns}.",
        f"select {key}, count(*) as rows from {qualified_name} group by {key} having count(*) > 1",
    )


def _items(sql: str) -> list[Item]:
    """The output columns: the items of the first SELECT that is in no brackets."""
    items: list[Item] = []
    depth, selecting = 0, False
    last_text, last_start = "", 0
    for start, text in _tokens(sql):
        if depth == 0 and not selecting:
            selecting = text == "select"
        elif depth == 0 and text == ",":
            items.append(_item(sql, last_text, last_start, start + 1))
        elif depth == 0 and text == "from" and last_text != "distinct":
            break
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text, 0)
        last_text, last_start = text, start
    return [*items, _item(sql, last_text, last_start, last_start + len(last_text))]


def _tokens(sql: str) -> Iterator[tuple[int, str]]:
    """Where each token starts, and its text in lower case without comments."""
    # The tokenizer counts bytes: in ASCII these are characters.
    starts = [start for start, _ in duckdb.tokenize(re.sub(r"[^\x00-\x7f]", "?", sql))]
    for start, end in zip(starts, [*starts[1:], len(sql)], strict=False):
        text = sql[start:end]
        yield start, text if text.startswith("'") else text.split("--")[0].strip().lower()


def _item(sql: str, name: str, start: int, end: int) -> Item:
    """An item whose last token is its ``name``, at ``start``; its comment may follow its ``end``, after a comma."""
    comment = _SENTENCE.match(sql, end)
    return Item(name.strip('"'), comment["text"].strip() if comment else "", sql.count("\n", 0, start) + 1)


def _relations(connection: duckdb.DuckDBPyConnection, model: Model, sql: str) -> set[str]:
    ((text,),) = connection.execute("select json_serialize_sql($1)", [sql]).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        line = sql.count("\n", 0, int(tree.get("position") or 0)) + 1
        raise model.wrong(tree["error_message"], line)
    return set(_base_tables(tree))


def _base_tables(tree: Any) -> set[str]:
    """Names with a schema below a node; those without are CTEs."""
    found: set[str] = set()
    if isinstance(tree, dict):
        if tree.get("type") == "BASE_TABLE" and tree.get("schema_name"):
            found.add(f"{tree['schema_name']}.{tree['table_name']}")
        tree = list(tree.values())
    if isinstance(tree, list):
        for below in tree:
            found |= _base_tables(below)
    return found
