-- How do jobs end, counted by jobs, by instance-hours and by GPU-hours?
-- Metric M13.
select
    training_job_status,
    jobs,
    job_share,
    instance_hours,
    instance_hour_share,
    gpu_hours,
    gpu_hour_share
from marts.final_status_shares
order by jobs desc
