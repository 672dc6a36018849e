-- Which jobs that ran in the last 30 days used the most GPU-hours, whose are they, and how did they end?
-- Metric M04.
select
    j.training_job_name,
    j.role_arn,
    j.instance_type,
    j.instance_count,
    j.run_seconds / 3600 as run_hours,
    j.gpu_hours,
    j.instance_hours,
    j.training_job_status
from marts.fct_training_jobs as j
cross join marts.build_info as b
where j.run_end_at >= b.newest_observed_at - interval 30 days
order by j.gpu_hours desc nulls last, j.instance_hours desc nulls last
limit 20
