-- One row per hour, account, region, instance type, and spot or not, with a job that ran: how many jobs, instances and
-- GPUs ran at once. Hours and means add up over rows; peaks and active jobs do not (M02, M03, M04, M09).
-- @incremental by month
-- @unique: hour, account_id, region, instance_type, is_spot
-- @check somebody_ran: active_jobs > 0

select
    hour,
    account_id,
    region,
    instance_type,
    is_spot,
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
where scope = 'dimensions'
