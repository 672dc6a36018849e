-- One row per hour from the day of the first run to the day of the last, idle hours included: how many jobs, instances
-- and GPUs of the whole fleet ran at once. Hours add up over rows; peaks and active jobs do not (M02, M03, M04, M09).
-- @incremental by month
-- @unique: hour

select
    hour,
    active_jobs,
    gpu_known_jobs,
    peak_jobs,
    p95_jobs,
    mean_jobs,
    peak_instances,
    p95_instances,
    mean_instances,
    peak_gpus,
    p95_gpus,
    mean_gpus,
    instance_hours,
    gpu_hours
from staging.concurrency
where scope = 'fleet'
