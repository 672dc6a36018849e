-- One row per quota that anything ever counted towards (account, region, instance type, spot or not, and kind) and
-- stretch of time within a day in which the instances in use and the jobs that wait stay the same: up to the instant at
-- which the account and region were last seen.
-- @unique: account_id, region, instance_type, is_spot, kind, start_time
-- @check levels_not_negative: instances >= 0 and waiting_jobs >= 0 and duration_microseconds >= 0

with quotas as (
    select
        *,
        lead(valid_from) over (
            partition by account_id, region, instance_type, is_spot, kind order by valid_from
        ) as valid_until
    from reference.quotas
),

used as (
    select distinct
        account_id,
        region,
        instance_type,
        is_spot,
        kind
    from staging.quota_uses
),

keys as (
    select
        q.account_id,
        q.region,
        q.instance_type,
        q.is_spot,
        q.kind,
        cast(min(q.valid_from) as timestamp) as first_day,
        date_trunc('day', local_time(s.seen_at)) as last_day
    from quotas as q
    inner join used as u
        on
            q.account_id = u.account_id
            and q.region = u.region
            and q.instance_type = u.instance_type
            and q.is_spot = u.is_spot
            and q.kind = u.kind
    inner join staging.last_seen as s on q.account_id = s.account_id and q.region = s.region
    group by q.account_id, q.region, q.instance_type, q.is_spot, q.kind, s.seen_at
),

spans as (
    select date_trunc('day', local_time(min(creation_time))) as first_day
    from staging.training_job_lives
),

-- Up where a use or a wait begins, down where it ends, nothing where a day begins.
steps as (
    select
        u.account_id,
        u.region,
        u.instance_type,
        u.is_spot,
        u.kind,
        case e.event
            when 'created' then u.creation_time
            when 'waited' then u.wait_end_at
            when 'started' then u.start_time
            else u.end_time
        end as instant,
        case e.event when 'started' then u.instances when 'ended' then -u.instances else 0 end as instances,
        case e.event when 'created' then 1 when 'waited' then -1 else 0 end as waiting_jobs
    from staging.quota_uses as u
    cross join unnest(['created', 'waited', 'started', 'ended']) as e (event)
    where
        case when e.event in ('created', 'waited') then u.creation_time is not null else u.start_time is not null end
    union all
    select
        k.account_id,
        k.region,
        k.instance_type,
        k.is_spot,
        k.kind,
        utc_time(t.day) as instant,
        0 as instances,
        0 as waiting_jobs
    from keys as k
    cross join spans as s
    cross join unnest(generate_series(greatest(k.first_day, s.first_day), k.last_day, interval 1 day)) as t (day)
),

instants as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        kind,
        instant,
        -- As DOUBLE, exact for counts: DuckDB's running sums of integers are slow.
        cast(sum(instances) as double) as instances,
        cast(sum(waiting_jobs) as double) as waiting_jobs
    from steps
    group by account_id, region, instance_type, is_spot, kind, instant
),

levels as (
    select
        i.account_id,
        i.region,
        i.instance_type,
        i.is_spot,
        i.kind,
        i.instant as start_time,
        least(coalesce(lead(i.instant) over by_instant, k.seen_at), k.seen_at) as end_time,
        cast(sum(i.instances) over by_instant as bigint) as instances,
        cast(sum(i.waiting_jobs) over by_instant as bigint) as waiting_jobs,
        cast(local_time(i.instant) as date) as date,
        -- A run may be told to have begun before its job was created, and before any was.
        i.instant >= utc_time(s.first_day) as is_within
    from instants as i
    inner join staging.last_seen as k on i.account_id = k.account_id and i.region = k.region
    cross join spans as s
    window by_instant as (
        partition by i.account_id, i.region, i.instance_type, i.is_spot, i.kind order by i.instant
    )
),

limited as (
    select
        l.*,
        greatest(0, epoch_us(l.end_time) - epoch_us(l.start_time)) as duration_microseconds,
        case when l.is_within and q.instances >= 0 then q.instances end as quota_instances
    from levels as l
    left join quotas as q
        on
            l.account_id = q.account_id
            and l.region = q.region
            and l.instance_type = q.instance_type
            and l.is_spot = q.is_spot
            and l.kind = q.kind
            and l.date >= q.valid_from
            and (q.valid_until is null or l.date < q.valid_until)
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    kind,
    date, -- Day of the time zone.
    start_time, -- Start of the stretch (UTC).
    end_time, -- End of the stretch (UTC), at most the instant at which its account and region were last seen.
    duration_microseconds, -- Its length; 0 beyond that instant.
    quota_instances, -- Quota in force; null if it is not known.
    instances, -- Instances in use.
    waiting_jobs, -- Jobs that wait: created, and not yet started.
    coalesce(instances >= quota_instances, false) as is_at_quota, -- Whether the whole quota is in use, or more.
    cast(
        coalesce(
            sum(case when instances >= quota_instances then duration_microseconds else 0 end) over (
                partition by account_id, region, instance_type, is_spot, kind
                order by start_time rows between unbounded preceding and 1 preceding
            ), 0
        ) as bigint
    ) as microseconds_at_quota_before -- Time at quota before the stretch.
from limited
