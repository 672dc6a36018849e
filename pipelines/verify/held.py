"""The lake's side of a verification: which jobs it holds of a source, by their CreationTime.

Imported jobs and those known by events alone are not held in this sense: the service need not have them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from pipelines.flatten.layout import main_table
from pipelines.home import Home
from pipelines.lake.deleted import select_deleted
from pipelines.lake.manifest import read_manifest, select_table
from pipelines.tables import literal
from pipelines.verify.windows import Window

_NAME = "coalesce(training_job_name, split_part(training_job_arn, '/', -1))"
_WITHIN = "created_second >= $1 and created_second < $2"


def tell_held(connection: duckdb.DuckDBPyConnection, home: Home, work: Path, sources: Sequence[str]) -> None:
    """Make the table ``held`` of the jobs that the lake has from these sources and that are not marked as deleted."""
    manifest, main = read_manifest(home.lake), main_table()
    named = ", ".join(map(literal, sources)) or "null"
    connection.execute("set temp_directory = $1", [str(work)])
    connection.execute(
        "create table held as select training_job_arn, training_job_name, source, epoch(observed_at) as observed_at,"
        " epoch_us(creation_time) // 1000000 as created_second, epoch(last_modified_time) as modified_at,"
        " training_job_status"
        f" from ({select_table(main.table, manifest.paths(home.lake, main.name))})"
        f" anti join ({select_deleted(home, manifest)}) as deleted using (training_job_arn)"
        f" where source in ({named}) order by created_second"
    )


class Held:
    """The jobs of one source; ``connection`` is this object's own, to the database with the table ``held``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: str) -> None:
        self._connection = connection
        self._own = f"select * from held where source = {literal(source)}"

    def first(self) -> int | None:
        """The second in which the oldest was created; None if there are none."""
        return self._one(f"select min(created_second) from ({self._own})")

    def count(self, window: Window) -> int:
        """How many there are in a window."""
        return self._one(f"select count(*) from ({self._own}) where {_WITHIN}", *window) or 0

    def middle(self, window: Window) -> int | None:
        """The second of the middle one in a window; None if there are none."""
        return self._one(f"select quantile_disc(created_second, 0.5) from ({self._own}) where {_WITHIN}", *window)

    def jobs(self, window: Window) -> list[tuple[str, str, float]]:
        """ARN, name, and when it was received (epoch seconds), of each in a window."""
        query = f"select training_job_arn, {_NAME}, observed_at from ({self._own}) where {_WITHIN}"
        return self._connection.execute(f"{query} order by training_job_arn", window).fetchall()

    def in_progress(self) -> dict[str, tuple[str, float]]:
        """Name and LastModifiedTime (epoch seconds; 0 if it has none) of each that is InProgress, by ARN."""
        query = f"select training_job_arn, {_NAME}, coalesce(modified_at, 0) from ({self._own})"
        found = self._connection.execute(f"{query} where training_job_status = 'InProgress' order by training_job_arn")
        return {arn: (name, modified_at) for arn, name, modified_at in found.fetchall()}

    def known(self, arns: Collection[str], since: int) -> set[str]:
        """ARNs of those jobs that the lake holds and that were created in the second ``since`` or later.

        They may have come from any of the sources that are verified.
        """
        named = "select training_job_arn from held where training_job_arn in (select unnest($1::varchar[]))"
        found = self._connection.execute(f"{named} and created_second >= $2", [list(arns), since])
        return {arn for (arn,) in found.fetchall()}

    def _one(self, query: str, *parameters: int) -> int | None:
        ((value,),) = self._connection.execute(query, parameters).fetchall()
        return None if value is None else int(value)
