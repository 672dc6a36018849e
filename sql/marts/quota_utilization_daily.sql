-- One row per day, account, region, instance type, spot or not, and kind of quota, with a quota in force
-- (reference.quotas) that anything ever counted towards: how much of it was in use, for how long all of it, and how
-- many jobs were created or waited meanwhile (M10). From the day on which the first job of all was created to the
-- instant at which the account and region were last seen: what came after is not known. Heterogeneous jobs are
-- divided into their instance groups; the quota of `all` types is of all together.
-- @unique: date, account_id, region, instance_type, is_spot, kind
-- @check time_not_negative: seconds_at_quota >= 0 and seconds_at_quota <= seconds
-- @check jobs_are_some_of_all: created_jobs_at_quota <= created_jobs and waited_jobs_at_quota <= created_jobs

with days as (
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        kind,
        quota_instances,
        max(instances) as peak_instances,
        sum(duration_microseconds) as microseconds,
        cast(
            sum(duration_microseconds * cast(instances as decimal(19, 0))) as decimal(38, 0)
        ) as instance_microseconds,
        coalesce(sum(duration_microseconds) filter (where is_at_quota), 0) as microseconds_at_quota
    from staging.quota_levels
    where quota_instances is not null and duration_microseconds > 0
    group by date, account_id, region, instance_type, is_spot, kind, quota_instances
),

jobs as (
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        count(*) as created_jobs,
        count(*) filter (where is_created_at_quota) as created_jobs_at_quota,
        count(*) filter (where wait_microseconds_at_quota > 0) as waited_jobs_at_quota,
        sum(wait_microseconds_at_quota) as wait_microseconds_at_quota
    from staging.quota_jobs
    group by date, account_id, region, instance_type, is_spot
)

select
    d.date, -- Day of the time zone.
    d.account_id,
    d.region,
    d.instance_type, -- Instance type; of heterogeneous jobs, that of each group; `all` for all types together.
    d.is_spot,
    d.kind, -- Of what the quota is: `training_jobs`, or `warm_pools`, which keep instances after a job.
    d.quota_instances, -- Instances that may be in use at once: the quota in force on this day.
    d.peak_instances, -- Greatest number of instances in use, or kept in warm pools, at once.
    d.peak_instances
    / nullif(d.quota_instances, 0)
        as peak_utilization, -- peak_instances / quota_instances; above 1 if that was lowered, null if that is 0.
    d.instance_microseconds / nullif(
        d.microseconds * cast(d.quota_instances as decimal(19, 0)), 0
    ) as mean_utilization, -- Instance-hours / (quota_instances x seconds / 3600); null if these are 0.
    d.microseconds / 1e6 as seconds, -- Seconds of the day until the account and region were last seen.
    d.microseconds_at_quota / 1e6 as seconds_at_quota, -- Seconds of the day with the whole quota in use, or more.
    coalesce(j.created_jobs, 0) as created_jobs, -- Jobs of this type created on this day; 0 of warm pools.
    coalesce(j.created_jobs_at_quota, 0)
        as created_jobs_at_quota, -- Jobs created on this day while others used all of the quota.
    coalesce(j.waited_jobs_at_quota, 0)
        as waited_jobs_at_quota, -- Jobs created on this day that waited while others used all of the quota.
    coalesce(j.wait_microseconds_at_quota, 0)
    / 1e6 as wait_seconds_at_quota -- Seconds that these waited while others used all of it, those of later days too.
from days as d
left join jobs as j
    on
        d.date = j.date
        and d.account_id = j.account_id
        and d.region = j.region
        and d.instance_type = j.instance_type
        and d.is_spot = j.is_spot
        and d.kind = 'training_jobs'
