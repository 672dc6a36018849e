"""A model: one SELECT in a file of `sql/`, whose comments are its documentation and its checks.

Here: reading the text of one file. The comment at its top says the grain and carries `@unique` and `@check` lines (a
`@unique` line that ends with a comma goes on in the next one); the comment at the end of the line on which an output
column ends is that column's sentence. `@incremental` there says that what it makes of a job depends on that job's rows
alone, or on those of jobs created in the same month: it is run part by part. `@incremental by month` says that what it
makes of a month depends on the rows alone that have this one in their column `month` (a DATE, its first day), whatever
it is the month of: it is run by stretches of months, whose rows may come from any part. Not here: other models (see
``catalogue``), or running it (``build``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import TrainyardError
from pipelines.tables import quoted

_INCREMENTAL, _BY_MONTH = "@incremental", "@incremental by month"
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
    """A file of `sql/`, parsed; its dependencies are the relations that it and its checks read, as ``schema.name``.

    ``key``: the columns of its first `@unique` line, none if it has none.
    """

    schema: str
    name: str
    path: Path
    sql: str
    grain: str
    is_incremental: bool
    is_by_month: bool
    key: tuple[str, ...]
    checks: tuple[Check, ...]
    items: tuple[Item, ...]
    dependencies: frozenset[str]

    @property
    def qualified_name(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"

    def wrong(self, reason: str, line: int = 1) -> TrainyardError:
        """The error that says what is wrong in the file, and where."""
        return _wrong(self.path, reason, line)


def read_model(connection: duckdb.DuckDBPyConnection, path: Path) -> Model:
    """Parse a file ``<schema>/<name>.sql`` by any connection; raises TrainyardError with file and line."""
    sql = path.read_text(encoding="utf-8")
    schema, name = path.parent.name, path.stem
    sentences, keys, checks = _head(sql, f"{schema}.{name}")
    is_incremental, is_by_month = _INCREMENTAL in sentences, _BY_MONTH in sentences
    sentences = [sentence for sentence in sentences if sentence not in (_INCREMENTAL, _BY_MONTH)]
    grain = " ".join(sentences)
    if not grain.startswith(("One row per ", "One row: ")):
        reason = "the comment at the top must begin with the grain: `-- One row per …` or `-- One row: …`"
        raise _wrong(path, reason)
    for unknown in (sentence for sentence in sentences if sentence.startswith("@")):
        known = f"`@unique: columns`, `@check name: expression`, `{_INCREMENTAL}` or `{_BY_MONTH}`"
        raise _wrong(path, f"unknown annotation `{unknown}`: write {known}")
    read = _relations(connection, path, sql)
    checked = {relation for check in checks for relation in _relations(connection, path, check.violations)}
    dependencies = frozenset(read | checked - {f"{schema}.{name}"})
    items = tuple(_items(sql))
    key = keys[0] if keys else ()
    return Model(schema, name, path, sql, grain, is_incremental, is_by_month, key, tuple(checks), items, dependencies)


def _wrong(path: Path, reason: str, line: int = 1) -> TrainyardError:
    return TrainyardError(f"{path}:{line}: {' '.join(reason.split())}")


def _head(sql: str, qualified_name: str) -> tuple[list[str], list[tuple[str, ...]], list[Check]]:
    """The lines of the comment at the top; of those among them that are checks, the keys and the checks."""
    sentences: list[str] = []
    keys: list[tuple[str, ...]] = []
    checks: list[Check] = []
    begun = ""
    for line in sql.splitlines():
        comment = _COMMENT.fullmatch(line)
        if not comment:
            break
        text = f"{begun} {comment['text']}".strip()
        if text.startswith("@unique") and text.endswith(","):
            begun = text
            continue
        begun = ""
        if unique := _UNIQUE.fullmatch(text):
            keys.append(tuple(name.strip() for name in unique["columns"].split(",")))
            checks.append(_unique(keys[-1], qualified_name))
        elif check := _CHECK.fullmatch(text):
            violations = f"select * from {qualified_name} where ({check['expression']}) is not true"
            checks.append(Check(check["name"], check["expression"], violations))
        else:
            sentences.append(text)
    return sentences, keys, checks


def _unique(names: tuple[str, ...], qualified_name: str) -> Check:
    key = ", ".join(quoted(name) for name in names)
    return Check(
        "unique_" + "_and_".join(names),
        f"No two rows have the same {', '.join(names)}.",
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


def _relations(connection: duckdb.DuckDBPyConnection, path: Path, sql: str) -> set[str]:
    """What DuckDB's own parser finds that a SELECT reads: names with a schema, for those without are CTEs."""
    found: set[str] = set()

    def note(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            found.add(f"{node['schema_name']}.{node['table_name']}")
        return node

    ((text,),) = connection.execute("select json_serialize_sql($1)", [sql]).fetchall()
    tree = json.loads(text, object_hook=note)
    if tree["error"]:
        line = sql.count("\n", 0, int(tree.get("position") or 0)) + 1
        raise _wrong(path, tree["error_message"], line)
    return found
