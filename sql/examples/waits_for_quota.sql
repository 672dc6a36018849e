-- For which quotas did jobs wait while others used all of them, how many, how long, and at which hours the most?
-- Metric M10.
with hours as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        arg_max(hour, wait_seconds_at_quota) as worst_hour,
        sum(wait_seconds_at_quota) / 3600 as hours_waited_at_quota,
        sum(seconds_at_quota) / 3600 as hours_at_quota
    from marts.quota_utilization_hourly
    where kind = 'training_jobs'
    group by account_id, region, instance_type, is_spot
),

days as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        sum(waited_jobs_at_quota) as waited_jobs_at_quota,
        sum(created_jobs) as created_jobs
    from marts.quota_utilization_daily
    where kind = 'training_jobs'
    group by account_id, region, instance_type, is_spot
)

select
    h.*,
    d.waited_jobs_at_quota,
    d.created_jobs
from hours as h
inner join days as d
    on
        h.account_id = d.account_id
        and h.region = d.region
        and h.instance_type = d.instance_type
        and h.is_spot = d.is_spot
where h.hours_waited_at_quota > 0
order by h.hours_waited_at_quota desc
limit 20
