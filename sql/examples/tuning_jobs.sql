-- Which tuning jobs used the most hours, how did their jobs end, how long did it take, and did they run side by side?
-- Metric M23.
select
    parent_job_arn,
    jobs,
    completed_jobs,
    failed_jobs,
    stopped_jobs,
    instance_hours,
    makespan_seconds / 3600 as makespan_hours,
    peak_jobs,
    parallel_efficiency
from marts.tuning_jobs
order by instance_hours desc nulls last
limit 20
