"""The functions that every model may call, beside its engine's own.

Here: what they are called, take and give, and how DuckDB comes to know them. Each is one plain expression, so that any
engine can have it. Not here: the expressions of time zones (``time_zone``) and intervals (``intervals``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import duckdb

from pipelines.models.intervals import POISSON_HIGH, POISSON_LOW, WILSON_HIGH, WILSON_LOW
from pipelines.models.time_zone import UTC, time_expressions

# Of a job's GPUs: what reliability and sizes are told apart by.
_SIZE_BUCKET = """case
    when gpu_count is null then 'unknown'
    when gpu_count <= 1 then cast(gpu_count as varchar)
    when gpu_count <= 4 then '2-4'
    when gpu_count <= 8 then '5-8'
    else '>8'
end"""

# Of a sum over jobs, for jobs that used nothing make it 0 whatever GPUs they have.
_KNOWN_GPU_TIME = """case
    when gpu_known_instance_microseconds > 0 or coalesce(instance_microseconds, 0) = 0 then gpu_microseconds
end"""

# Of the time that a job spends in a status.
_STATUS_PHASE = """case
    when secondary_status in ('Starting', 'Pending', 'LaunchingMLInstances', 'PreparingTrainingStack') then 'queue'
    when secondary_status in ('Downloading', 'DownloadingTrainingImage') then 'setup'
    when secondary_status = 'Training' then 'run'
    when secondary_status = 'Uploading' then 'save'
    when secondary_status in ('Interrupted', 'Restarting') then 'interruption'
    when secondary_status = 'Stopping' then 'teardown'
    when secondary_status = 'Updating' then 'update'
    when secondary_status in ('Completed', 'Failed', 'Stopped', 'MaxRuntimeExceeded', 'MaxWaitTimeExceeded')
        then 'terminal'
    else 'unknown'
end"""


class Function(NamedTuple):
    """A function of SQL: an expression over its parameters; types are DuckDB's."""

    name: str
    parameters: Mapping[str, str]
    type: str
    expression: str


@cache
def functions(time_zone: str = UTC) -> tuple[Function, ...]:
    """All of them, for days and hours of a time zone.

    - `local_time(utc)`, `utc_time(local)`: between naive timestamps of UTC and of the zone. `utc_time` is the first
      instant at which the zone's clocks show at least the time given: where they are put back and show it twice the
      earlier, where they are put forward and skip it the instant of the change.
    - `size_bucket(gpu_count)`: `0`, `1`, `2-4`, `5-8`, `>8`, or `unknown` where that is null.
    - `status_phase(secondary_status)`: `queue`, `setup`, `run`, `save`, `interruption`, `teardown`, `update`,
      `terminal`, or `unknown` where nobody knows the status, or it is null.
    - `known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)`: the first of these
      sums; null where instances were in use, but none of known GPUs.
    - `wilson_low(part, whole)`, `wilson_high(part, whole)`: the ends of the interval of the share `part / whole` of
      counts; null where `whole` is 0.
    - `poisson_low(events)`, `poisson_high(events)`: the ends of the interval of the mean of a number of events.
    """
    local_time, utc_time = time_expressions(time_zone)
    share = {"part": "BIGINT", "whole": "BIGINT"}
    times = ("gpu_microseconds", "gpu_known_instance_microseconds", "instance_microseconds")
    return (
        Function("local_time", {"utc": "TIMESTAMP"}, "TIMESTAMP", local_time),
        Function("utc_time", {"local": "TIMESTAMP"}, "TIMESTAMP", utc_time),
        Function("size_bucket", {"gpu_count": "BIGINT"}, "VARCHAR", _SIZE_BUCKET),
        Function("status_phase", {"secondary_status": "VARCHAR"}, "VARCHAR", _STATUS_PHASE),
        Function("known_gpu_time", dict.fromkeys(times, "DECIMAL(38, 0)"), "DECIMAL(38, 0)", _KNOWN_GPU_TIME),
        Function("wilson_low", share, "DOUBLE", WILSON_LOW),
        Function("wilson_high", share, "DOUBLE", WILSON_HIGH),
        Function("poisson_low", {"events": "BIGINT"}, "DOUBLE", POISSON_LOW),
        Function("poisson_high", {"events": "BIGINT"}, "DOUBLE", POISSON_HIGH),
    )


def define_functions(connection: duckdb.DuckDBPyConnection, time_zone: str = UTC) -> None:
    """Create them in a connection, for a zone."""
    for function in functions(time_zone):
        connection.execute(f"create macro {function.name}({', '.join(function.parameters)}) as {function.expression}")
