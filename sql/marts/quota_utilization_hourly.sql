-- One row per hour, account, region, instance type, spot or not, and kind of quota, with a quota in force
-- (reference.quotas) of which something was in use or waited for: how much of it was in use, for how long all of it,
-- and how many jobs waited meanwhile (M10). Heterogeneous jobs are divided into their instance groups; the quota of
-- `all` types is of all together.
-- @unique: hour, account_id, region, instance_type, is_spot, kind
-- @check time_not_negative: seconds_at_quota >= 0 and seconds_at_quota <= seconds

with levels as (
    select
        *,
        date_trunc('hour', local_time(start_time)) as first_hour,
        date_trunc('hour', local_time(greatest(start_time, end_time - interval 1 microsecond))) as last_hour
    from staging.quota_levels
    where quota_instances is not null and duration_microseconds > 0 and (instances > 0 or waiting_jobs > 0)
),

stretches as (
    select
        l.*,
        t.hour,
        least(l.end_time, utc_time(t.hour + interval 1 hour)) as stretch_end,
        greatest(l.start_time, utc_time(t.hour)) as stretch_start
    from levels as l
    cross join unnest(generate_series(l.first_hour, l.last_hour, interval 1 hour)) as t (hour)
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
        cast(
            sum((epoch_us(stretch_end) - epoch_us(stretch_start)) * cast(instances as decimal(19, 0))) as decimal(38, 0)
        ) as instance_microseconds,
        coalesce(
            sum(epoch_us(stretch_end) - epoch_us(stretch_start)) filter (where is_at_quota), 0
        ) as microseconds_at_quota,
        coalesce(max(waiting_jobs) filter (where is_at_quota), 0) as peak_waiting_jobs_at_quota,
        coalesce(
            sum((epoch_us(stretch_end) - epoch_us(stretch_start)) * waiting_jobs) filter (where is_at_quota), 0
        ) as wait_microseconds_at_quota
    from stretches
    where stretch_end > stretch_start
    group by hour, account_id, region, instance_type, is_spot, kind, quota_instances
),

measured as (
    select
        h.*,
        -- Of the last hour there is only what is known.
        epoch_us(least(utc_time(h.hour + interval 1 hour), s.seen_at)) - epoch_us(utc_time(h.hour)) as microseconds
    from hours as h
    inner join staging.last_seen as s on h.account_id = s.account_id and h.region = s.region
)

select
    hour, -- Start of the hour, on the clocks of the time zone.
    account_id,
    region,
    instance_type, -- Instance type; of heterogeneous jobs, that of each group; `all` for all types together.
    is_spot,
    kind, -- Of what the quota is: `training_jobs`, or `warm_pools`, which keep instances after a job.
    quota_instances, -- Instances that may be in use at once: the quota in force in this hour.
    peak_instances, -- Greatest number of instances in use, or kept in warm pools, at once.
    peak_instances
    / nullif(quota_instances, 0) as peak_utilization, -- peak_instances / quota_instances; null if that is 0.
    instance_microseconds / nullif(
        microseconds * cast(quota_instances as decimal(19, 0)), 0
    ) as mean_utilization, -- Instance-hours / (quota_instances x seconds / 3600); null if these are 0.
    microseconds / 1e6 as seconds, -- Seconds of the hour until the account and region were last seen.
    microseconds_at_quota / 1e6 as seconds_at_quota, -- Seconds of the hour with the whole quota in use, or more.
    peak_waiting_jobs_at_quota, -- Greatest number of jobs that waited at once while others used all of the quota.
    wait_microseconds_at_quota
    / 1e6 as wait_seconds_at_quota -- Seconds that jobs waited while others used all of the quota, over all of them.
from measured
