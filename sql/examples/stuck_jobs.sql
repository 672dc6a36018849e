-- Which open jobs have been in their status for longer than 99 % of the visits of jobs on such instances to it took?
-- Metric M31.
select
    training_job_name,
    secondary_status,
    instance_type,
    instance_count,
    age_seconds / 3600 as hours_in_status,
    p99_seconds / 3600 as p99_hours,
    compared_visits
from marts.stuck_jobs
order by hours_in_status desc
