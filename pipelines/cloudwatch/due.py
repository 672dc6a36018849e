"""Which jobs of the lake are to be asked about: those that ran, and of which not all is held.

Here: what of a job's record and of what is held says so. Not here: at which period (``windows``), and asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import duckdb

from pipelines.cloudwatch.store import held
from pipelines.cloudwatch.tables import METRIC_WINDOWS
from pipelines.cloudwatch.windows import forgotten_before
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.harvest.archive import last_looks
from pipelines.home import Home
from pipelines.lake.deleted import select_deleted
from pipelines.lake.manifest import Partition, month_of, read_manifest, select_table
from pipelines.models.reference import INSTANCE_TYPES, select_reference
from pipelines.shipped import shipped

# So many jobs are in memory at once.
JOBS_AT_ONCE = 10_000
# Larger clusters are told of by records that are wrong, and would be asked about for ever.
MOST_HOSTS = 10_000
# No job waits, and runs, for longer.
LONGEST_LIFE_SECONDS = 100 * 24 * 3600

# A type without GPUs is not asked for them; one that is not known may have some. Jobs of 2018 and some that failed lack
# their times: the transitions have them, or the last change.
_DUE = """
with types as (
    select training_job_arn, resource_config_instance_type as instance_type,
        resource_config_instance_count as instance_count
    from ({training_jobs})
    union all
    select training_job_arn, instance_type, instance_count from ({resource_config_instance_groups})
),

sizes as (
    select t.training_job_arn,
        sum(t.instance_count)::bigint as hosts,
        bool_or(r.gpus is distinct from 0) as may_have_gpus
    from types as t
    left join ({instance_types}) as r on t.instance_type = r.instance_type
    where t.instance_count between 1 and $most_hosts
    group by t.training_job_arn
),

metrics as (
    select training_job_arn, list(distinct name order by name) as names
    from (
        select training_job_arn, name from ({algorithm_specification_metric_definitions})
        union all
        select training_job_arn, metric_name from ({final_metric_data_list})
    )
    where name <> ''
    group by training_job_arn
),

worked as (
    select training_job_arn, min(start_time) as started_at
    from ({secondary_status_transitions})
    where status in ('Downloading', 'Training')
    group by training_job_arn
),

held as (
    select training_job_arn, max(window_end) as held_until from ({metric_windows}) group by training_job_arn
),

jobs as (
    select j.account_id, j.region, j.month, j.training_job_arn, j.training_job_name, s.hosts, s.may_have_gpus,
        coalesce(m.names, []) as metric_names,
        coalesce(j.training_start_time, w.started_at) as started_at,
        coalesce(
            j.training_end_time,
            case when j.training_job_status in ('Completed', 'Failed', 'Stopped') then j.last_modified_time end,
            d.deleted_at
        ) as ended_at,
        h.held_until
    from ({training_jobs}) as j
    join sizes as s using (training_job_arn)
    left join metrics as m using (training_job_arn)
    left join worked as w using (training_job_arn)
    left join held as h using (training_job_arn)
    left join ({deleted}) as d using (training_job_arn)
    where $account_id is not null or j.source = $source
)

select account_id, region, month, training_job_arn, training_job_name, hosts, may_have_gpus, metric_names,
    epoch(started_at), epoch(ended_at), epoch(held_until)
from jobs
where started_at is not null and hosts <= $most_hosts and training_job_name <> ''
    and (held_until is null or ended_at is null or held_until < ended_at)
    and (ended_at is null or epoch(ended_at) > $forgotten)
order by started_at, training_job_arn
"""


class Job(NamedTuple):
    """A job that ran: how many instances it had, what its algorithm reports, when it ran and what of it is held.

    Instants are epoch seconds; ``ended_at`` is None as long as it runs, ``held_until`` if nothing was asked for yet.
    """

    account_id: str
    region: str
    month: str
    arn: str
    name: str
    hosts: int
    may_have_gpus: bool
    metrics: tuple[str, ...]
    started_at: float
    ended_at: float | None
    held_until: float | None


def forgotten_jobs(home: Home) -> int:
    """How many jobs ended before all that CloudWatch kept when it was last asked, and were never asked about."""
    looks = last_looks(home.root).values()
    if not looks:
        return 0
    forgotten, main = forgotten_before(max(looks)), main_table()
    last_month = month_of(forgotten)
    lake, windows = (
        manifest.where(lambda part: part.month <= last_month) for manifest in (read_manifest(home.lake), held(home))
    )
    with duckdb.connect() as connection:
        ((jobs,),) = connection.execute(
            f"select count(*) from ({select_table(main.table, lake.paths(home.lake, main.name))}) as j anti join"
            f" ({select_table(METRIC_WINDOWS, windows.paths(home.metrics, METRIC_WINDOWS.name))}) as w"
            " using (training_job_arn) where epoch(j.training_end_time) <= $1",
            [forgotten],
        ).fetchall()
    return int(jobs)


def jobs_due(home: Home, source: str, account_id: str | None, region: str, now: float) -> Iterator[list[Job]]:
    """The jobs of a source of which CloudWatch may have what is not held, by when they started, some at a time.

    Those of its account and region, wherever their records came from; where no account is known, those it gave.
    """
    forgotten = forgotten_before(now)
    first_month = month_of(forgotten - LONGEST_LIFE_SECONDS)

    def may_be_due(part: Partition) -> bool:
        is_of_source = account_id is None or (account_id, region) == (part.account_id, part.region)
        return is_of_source and part.month >= first_month

    manifest = read_manifest(home.lake).where(may_be_due)
    selects: Mapping[str, str] = {
        table.name: select_table(table.table, manifest.paths(home.lake, table.name)) for table in lake_tables()
    }
    windows = held(home).where(may_be_due)
    sql = _DUE.format(
        **selects,
        metric_windows=select_table(METRIC_WINDOWS, windows.paths(home.metrics, METRIC_WINDOWS.name)),
        deleted=select_deleted(home, manifest),
        instance_types=select_reference(INSTANCE_TYPES, shipped("reference"), home.reference),
    )
    asked = {"source": source, "account_id": account_id, "forgotten": forgotten, "most_hosts": MOST_HOSTS}
    with duckdb.connect() as connection:
        rows = connection.execute(sql, asked)
        while some := rows.fetchmany(JOBS_AT_ONCE):
            yield [Job._make((*row[:7], tuple(row[7]), *row[8:])) for row in some]
