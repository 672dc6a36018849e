-- Which teams hold GPUs that idle, on which instance types, and how much of what they held was measured?
-- Metric M33.
select
    coalesce(team, 'no team') as team,
    instance_type,
    measured_jobs,
    measured_gpu_hours,
    coverage_share,
    idle_gpu_hours,
    idle_share,
    unused_gpu_hours
from marts.idle_gpu_hours
order by idle_gpu_hours desc
limit 20
