-- Which quotas were used up, for how long, and how many jobs were created meanwhile?
-- Metric M10.
select
    account_id,
    region,
    instance_type,
    is_spot,
    kind,
    arg_max(quota_instances, date) as last_quota_instances,
    max(peak_utilization) as peak_utilization,
    sum(seconds_at_quota) / 3600 as hours_at_quota,
    sum(seconds_at_quota) / nullif(sum(seconds), 0) as time_share_at_quota,
    sum(created_jobs_at_quota) as created_jobs_at_quota
from marts.quota_utilization_daily
-- All of a quota of 0 is in use at any time: jobs created meanwhile cannot have what they ask for.
group by account_id, region, instance_type, is_spot, kind
having sum(seconds_at_quota) > 0
order by created_jobs_at_quota desc, hours_at_quota desc
limit 20
