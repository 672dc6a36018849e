"""The statements that make the tables of the lake and the marts in a Hive catalogue, as Athena takes them.

Here: names, types and comments as declared, and where the lists of files are. Not here: these lists (``links``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.tables import Column, Table

# A catalogue's databases are of a whole account.
DATABASE = "trainyard_{schema}"
# Every type that the columns of lake and marts have, by DuckDB's name.
TYPES = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DOUBLE": "double",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
}
# What Glue keeps of a column's comment.
COMMENT_BYTES = 255

_READ_AS = """row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
stored as
  inputformat 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
  outputformat 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'"""


def statements(url: str, tables: Iterable[Table]) -> Iterator[str]:
    """Statements that make the tables, or make them anew, over the data directory at ``s3://bucket/prefix``.

    Each makes sense only after those before it. None contains a semicolon at the end of a line.
    """
    tables = tuple(tables)
    for schema in dict.fromkeys(table.schema for table in tables):
        yield f"create database if not exists `{DATABASE.format(schema=schema)}`"
    for table in tables:
        name = f"`{DATABASE.format(schema=table.schema)}`.`{table.name}`"
        columns = ",\n".join(f"  {_column(column)}" for column in table.columns)
        yield f"drop table if exists {name}"
        yield (
            f"create external table {name} (\n{columns}\n)\ncomment {_text(table.comment)}\n{_READ_AS}\n"
            f"location '{url}/links/{table.schema}/{table.name}/'"
        )


def _column(column: Column) -> str:
    return f"`{column.name}` {TYPES[column.type]} comment {_text(_cut(column.comment))}"


def _cut(comment: str) -> str:
    """What fits of a column's comment."""
    if len(comment.encode()) <= COMMENT_BYTES:
        return comment
    return comment.encode()[: COMMENT_BYTES - len("…".encode())].decode(errors="ignore") + "…"


def _text(comment: str) -> str:
    """A comment as a literal without characters that Hive escapes in another way than standard SQL."""
    plain = comment.replace("'", "’").replace("\\", "/")
    return f"'{plain}'"
