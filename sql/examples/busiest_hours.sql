-- In which hours did the most GPUs run at once, and how many jobs and instances was that?
-- Metrics M02, M09.
select
    hour,
    active_jobs,
    peak_jobs,
    peak_instances,
    peak_gpus,
    p95_gpus,
    mean_gpus
from marts.fleet_utilization_hourly
order by peak_gpus desc nulls last, mean_gpus desc nulls last, hour asc
limit 20
