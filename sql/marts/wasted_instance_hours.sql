-- One row per account, region, instance type, spot or not, kind of waste, and cause: instance-hours that brought
-- nothing. Kinds: `failed_job` and `stopped_job`, all hours of the runs of jobs that ended so, by failure class or stop
-- cause; of other jobs `superseded_attempts` before an interruption, and `setup` and `save` of the last attempt, which
-- are billed as Training is, within the run. No hour is of two kinds. A stop by the user may have been a success: its
-- hours have a column of their own. Jobs that never started are left out; those of unknown instance counts are left out
-- of the hours. Metric M20.
-- @unique: account_id, region, instance_type, is_spot, waste, cause
-- @check nothing_negative: coalesce(wasted_instance_hours, 0) >= 0 and coalesce(user_stopped_instance_hours, 0) >= 0

with wastes as (
    select
        *,
        waste = 'stopped_job' and cause = 'user_or_api' as is_user_stop
    from staging.wastes
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    waste,
    cause,
    cast(sum(jobs) as bigint) as jobs, -- Jobs with such waste.
    coalesce(sum(instance_microseconds) filter (where not is_user_stop), 0)
    / 3.6e9 as wasted_instance_hours, -- Instance-hours that brought nothing.
    coalesce(sum(gpu_microseconds) filter (where not is_user_stop), 0)
    / 3.6e9 as wasted_gpu_hours, -- GPU-hours that brought nothing; GPUs that are unknown count as 0.
    coalesce(sum(instance_microseconds) filter (where is_user_stop), 0)
    / 3.6e9 as user_stopped_instance_hours, -- Instance-hours of jobs that a user stopped, which may have been worth it.
    coalesce(sum(gpu_microseconds) filter (where is_user_stop), 0)
    / 3.6e9 as user_stopped_gpu_hours -- GPU-hours of jobs that a user stopped; GPUs that are unknown count as 0.
from wastes
group by account_id, region, instance_type, is_spot, waste, cause
