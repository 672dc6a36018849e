"""What a table is: a name, its columns, and a sentence for each. Everything that has columns is declared with these.

Here: the declaration alone. Not here: which tables there are (``flatten``), nor where their rows are.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column: its name, its DuckDB type, and the sentence that explains it."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """A table or model: ``schema.name``, what one row of it is, and its columns in order.

    ``key``: columns of which no two rows have the same values; none where that is not promised.
    """

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        """``schema.name``, as SQL writes it."""
        return f"{self.schema}.{self.name}"

    def column_definitions(self) -> str:
        """The column list of a ``create table`` statement."""
        return ", ".join(f"{quoted(column.name)} {column.type}" for column in self.columns)

    def column_list(self) -> str:
        """The columns' names as a select list."""
        return ", ".join(quoted(column.name) for column in self.columns)


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
