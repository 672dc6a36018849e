-- How large are jobs, and do the few large ones use most of the hours?
-- Metric M28.
select
    size_bucket,
    jobs,
    job_share,
    gpu_hours,
    gpu_hour_share
from marts.job_sizes
order by size_bucket asc
