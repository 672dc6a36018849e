-- One row per hour, account, region, instance type, spot or not, and kind of quota, with a quota in force
-- (reference.quotas) of which something, or all, was in use or waited for: how much of it was in use, for how long all
-- of it, and how many jobs waited meanwhile (M10). Of a quota of 0 that is every hour in which it was in force.
-- Heterogeneous jobs are divided into their instance groups; the quota of `all` types is of all together.
-- @unique: hour, account_id, region, instance_type, is_spot, kind
-- @check time_not_negative: seconds_at_quota >= 0 and seconds_at_quota <= seconds
-- @check p95_not_above_peak: p95_utilization is null or p95_utilization <= peak_utilization

with levels as (
    select
        *,
        date_trunc('hour', local_time(start_time)) as first_hour,
        date_trunc('hour', local_time(greatest(start_time, end_time - interval 1 microsecond))) as last_hour
    from staging.quota_levels
    where
        quota_instances is not null
        and duration_microseconds > 0
        and (instances > 0 or waiting_jobs > 0 or is_at_quota)
),

pieces as (
    select
        l.*,
        t.hour,
        least(l.end_time, utc_time(t.hour + interval 1 hour)) as piece_end,
        greatest(l.start_time, utc_time(t.hour)) as piece_start
    from levels as l
    cross join unnest(generate_series(l.first_hour, l.last_hour, interval 1 hour)) as t (hour)
),

stretches as (
    select
        *,
        epoch_us(piece_end) - epoch_us(piece_start) as microseconds
    from pieces
    where piece_end > piece_start
),

hours as (
    select
        hour,
        account_id,
        region,
        instance_type,
        is_spot,
        kind,
        quota_instances,
        max(instances) as peak_instances,
        cast(sum(microseconds * cast(instances as decimal(19, 0))) as decimal(38, 0)) as instance_microseconds,
        coalesce(sum(microseconds) filter (where instances > 0), 0) as microseconds_in_use,
        coalesce(sum(microseconds) filter (where is_at_quota), 0) as microseconds_at_quota,
        coalesce(max(waiting_jobs) filter (where is_at_quota), 0) as peak_waiting_jobs_at_quota,
        coalesce(sum(microseconds * waiting_jobs) filter (where is_at_quota), 0) as wait_microseconds_at_quota
    from stretches
    group by hour, account_id, region, instance_type, is_spot, kind, quota_instances
),

measured as (
    select
        h.*,
        -- Of the last hour there is only what is known.
        epoch_us(least(utc_time(h.hour + interval 1 hour), s.seen_at)) - epoch_us(utc_time(h.hour)) as microseconds
    from hours as h
    inner join staging.last_seen as s on h.account_id = s.account_id and h.region = s.region
),

-- How long each level lasted.
level_times as (
    select
        hour,
        account_id,
        region,
        instance_type,
        is_spot,
        kind,
        instances,
        sum(microseconds) as microseconds
    from stretches
    where instances > 0
    group by hour, account_id, region, instance_type, is_spot, kind, instances
),

times_above as (
    select
        *,
        coalesce(sum(microseconds) over (
            partition by hour, account_id, region, instance_type, is_spot, kind
            order by instances desc rows between unbounded preceding and 1 preceding
        ), 0) as microseconds_above
    from level_times
),

-- The least level above 0 that is exceeded for 5 % of the hour at most.
percentiles as (
    select
        m.hour,
        m.account_id,
        m.region,
        m.instance_type,
        m.is_spot,
        m.kind,
        min(t.instances) as p95_instances
    from measured as m
    inner join times_above as t
        on
            m.hour = t.hour
            and m.account_id = t.account_id
            and m.region = t.region
            and m.instance_type = t.instance_type
            and m.is_spot = t.is_spot
            and m.kind = t.kind
    where t.microseconds_above * 20 <= m.microseconds
    group by m.hour, m.account_id, m.region, m.instance_type, m.is_spot, m.kind
)

select
    m.hour, -- Start of the hour, on the clocks of the time zone.
    m.account_id,
    m.region,
    m.instance_type, -- Instance type; of heterogeneous jobs, that of each group; `all` for all types together.
    m.is_spot,
    m.kind, -- Of what the quota is: `training_jobs`, or `warm_pools`, which keep instances after a job.
    m.quota_instances, -- Instances that may be in use at once: the quota in force in this hour.
    m.peak_instances, -- Greatest number of instances in use, or kept in warm pools, at once.
    m.peak_instances
    / nullif(m.quota_instances, 0) as peak_utilization, -- peak_instances / quota_instances; null if that is 0.
    m.instance_microseconds / nullif(
        m.microseconds * cast(m.quota_instances as decimal(19, 0)), 0
    ) as mean_utilization, -- Instance-hours / (quota_instances x seconds / 3600); null if these are 0.
    case when m.microseconds_in_use * 20 > m.microseconds then p.p95_instances else 0 end
    / nullif(m.quota_instances, 0)
        as p95_utilization, -- Share of quota_instances that was not exceeded for 95 % of seconds; null if that is 0.
    m.microseconds / 1e6 as seconds, -- Seconds of the hour until the account and region were last seen.
    m.microseconds_at_quota / 1e6 as seconds_at_quota, -- Seconds of the hour with the whole quota in use, or more.
    m.peak_waiting_jobs_at_quota, -- Greatest number of jobs that waited at once while others used all of the quota.
    m.wait_microseconds_at_quota
    / 1e6 as wait_seconds_at_quota -- Seconds that jobs waited while others used all of the quota, over all of them.
from measured as m
left join percentiles as p
    on
        m.hour = p.hour
        and m.account_id = p.account_id
        and m.region = p.region
        and m.instance_type = p.instance_type
        and m.is_spot = p.is_spot
        and m.kind = p.kind
