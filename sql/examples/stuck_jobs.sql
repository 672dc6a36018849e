-- Which open jobs have been in their status for longer than 99 % of the jobs on such instances ever were?
-- Metric M31.
select
    v.training_job_arn,
    v.secondary_status,
    v.instance_type,
    v.duration_seconds / 3600 as hours_in_status,
    t.p99_seconds / 3600 as p99_hours,
    t.jobs as jobs_compared
from marts.fct_secondary_status_visits as v
inner join marts.secondary_status_time as t
    on
        v.account_id = t.account_id
        and v.region = t.region
        and v.instance_type = t.instance_type
        and v.is_spot = t.is_spot
        and v.secondary_status = t.secondary_status
where v.is_open and v.duration_seconds > t.p99_seconds
order by hours_in_status desc
