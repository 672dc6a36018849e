-- One row per day, account, region, instance type, and spot or not, with a quota in force (reference.quotas): how much
-- of it was in use, for how long all of it, and how many jobs were created meanwhile (M10). From the day on which the
-- first job of all was created to the instant at which a job was last seen. Heterogeneous jobs are divided into their
-- instance groups.
-- @unique: date, account_id, region, instance_type, is_spot
-- @check time_not_negative: seconds_at_quota >= 0 and seconds_at_quota <= seconds

with quotas as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        instances as quota_instances,
        valid_from,
        lead(valid_from) over (
            partition by account_id, region, instance_type, is_spot order by valid_from
        ) as valid_until
    from reference.quotas
),

keys as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        cast(min(valid_from) as timestamp) as first_day
    from quotas
    group by account_id, region, instance_type, is_spot
),

spans as (
    select
        date_trunc('day', local_time(min(l.creation_time))) as first_day,
        date_trunc('day', local_time(max(s.seen_at))) as last_day,
        max(s.seen_at) as as_of
    from staging.training_job_lives as l
    inner join staging.last_seen as s on l.account_id = s.account_id and l.region = s.region
),

runs as (
    select
        k.account_id,
        k.region,
        k.instance_type,
        k.is_spot,
        l.training_job_arn,
        l.creation_time,
        l.started_at,
        l.run_end_at,
        coalesce(
            sum(case when g.training_job_arn is null then l.instance_count else g.instance_count end), 0
        ) as instances
    from staging.training_job_lives as l
    left join staging.instance_groups as g on l.training_job_arn = g.training_job_arn
    inner join keys as k
        on
            l.account_id = k.account_id
            and l.region = k.region
            and case when g.training_job_arn is null then l.instance_type else g.instance_type end = k.instance_type
            and l.is_spot = k.is_spot
    group by
        k.account_id,
        k.region,
        k.instance_type,
        k.is_spot,
        l.training_job_arn,
        l.creation_time,
        l.started_at,
        l.run_end_at
),

-- Up where a run starts, down where one ends, nothing where a job is created or a day begins.
steps as (
    select
        r.account_id,
        r.region,
        r.instance_type,
        r.is_spot,
        case
            when e.kind = 'created' then r.creation_time when e.kind = 'started' then r.started_at else r.run_end_at
        end as instant,
        cast(case e.kind when 'created' then 0 when 'started' then r.instances else -r.instances end as double)
            as instances,
        case when e.kind = 'created' then 1 else 0 end as created_jobs,
        -- What the job that is created uses itself at that instant.
        case
            when e.kind = 'created' and r.started_at <= r.creation_time and r.creation_time < r.run_end_at
                then r.instances
            else 0
        end as own_instances
    from runs as r
    cross join unnest(['created', 'started', 'ended']) as e (kind)
    where e.kind = 'created' or r.started_at is not null
    union all
    select
        k.account_id,
        k.region,
        k.instance_type,
        k.is_spot,
        utc_time(t.day) as instant,
        0 as instances,
        0 as created_jobs,
        0 as own_instances
    from keys as k
    cross join spans as s
    cross join unnest(generate_series(greatest(k.first_day, s.first_day), s.last_day, interval 1 day)) as t (day)
),

levels as (
    select
        *,
        cast(local_time(instant) as date) as date,
        lead(instant) over by_instant as next_instant,
        -- Of rows at one instant, each sees the sum of all: the window's frame ends with its peers.
        cast(sum(instances) over by_instant as bigint) as level
    from steps
    window by_instant as (partition by account_id, region, instance_type, is_spot order by instant)
),

days as (
    select
        l.date,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        q.quota_instances,
        max(l.level) as peak_instances,
        sum(greatest(0, epoch_us(least(coalesce(l.next_instant, s.as_of), s.as_of)) - epoch_us(l.instant)))
            as microseconds,
        cast(
            sum(
                greatest(0, epoch_us(least(coalesce(l.next_instant, s.as_of), s.as_of)) - epoch_us(l.instant))
                * cast(l.level as decimal(19, 0))
            ) as decimal(38, 0)
        ) as instance_microseconds,
        sum(
            greatest(0, epoch_us(least(coalesce(l.next_instant, s.as_of), s.as_of)) - epoch_us(l.instant))
        ) filter (where l.level >= q.quota_instances) as microseconds_at_quota,
        cast(sum(l.created_jobs) as bigint) as created_jobs,
        cast(
            coalesce(sum(l.created_jobs) filter (where l.level - l.own_instances >= q.quota_instances), 0) as bigint
        ) as created_jobs_at_quota
    from levels as l
    cross join spans as s
    inner join quotas as q
        on
            l.account_id = q.account_id
            and l.region = q.region
            and l.instance_type = q.instance_type
            and l.is_spot = q.is_spot
            and l.date >= q.valid_from
            and (q.valid_until is null or l.date < q.valid_until)
    -- A run may be told to have begun before its job was created, and before any was.
    where q.quota_instances >= 0 and l.instant < s.as_of and l.instant >= utc_time(s.first_day)
    group by l.date, l.account_id, l.region, l.instance_type, l.is_spot, q.quota_instances
)

select
    date, -- Day of the time zone.
    account_id,
    region,
    instance_type, -- Instance type; of heterogeneous jobs, that of each group.
    is_spot,
    quota_instances, -- Instances that may be in use at once: the quota in force on this day.
    peak_instances, -- Greatest number of instances in use at once.
    peak_instances
    / nullif(quota_instances, 0)
        as peak_utilization, -- peak_instances / quota_instances; above 1 if that was lowered, null if that is 0.
    instance_microseconds / nullif(
        microseconds * cast(quota_instances as decimal(19, 0)), 0
    ) as mean_utilization, -- Instance-hours / (quota x the hours of the day until a job was last seen); null for 0.
    microseconds / 1e6 as seconds, -- Seconds of the day until a job was last seen.
    coalesce(microseconds_at_quota, 0)
    / 1e6 as seconds_at_quota, -- Seconds of the day with the whole quota in use, or more.
    created_jobs, -- Jobs of this type created on this day.
    created_jobs_at_quota -- Jobs created on this day while others used all of the quota.
from days
