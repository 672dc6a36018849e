-- One row per account, region, instance type, spot or not, kind of waste, and cause: instance-hours that brought
-- nothing. Kinds: `failed_job` and `stopped_job`, all hours of the runs of jobs that ended so, by failure class or stop
-- cause; of other jobs `superseded_attempts` before an interruption, open jobs included; and of completed ones `setup`
-- and `save` of the last attempt, which are billed as Training is, within the run. No hour is of two kinds. A stop by
-- the user may have been a success: its hours have a column of their own. Jobs that never started are left out; those
-- of unknown instance counts are left out of the hours. Metric M20.
-- @unique: account_id, region, instance_type, is_spot, waste, cause
-- @check nothing_negative: coalesce(wasted_instance_hours, 0) >= 0 and coalesce(user_stopped_instance_hours, 0) >= 0

with totals as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        waste,
        cause,
        waste = 'stopped_job' and cause = 'user_or_api' as is_user_stop,
        cast(sum(jobs) as bigint) as jobs,
        cast(coalesce(sum(instance_microseconds), 0) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
    from staging.wastes
    group by account_id, region, instance_type, is_spot, waste, cause
),

known as (
    select
        *,
        known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
            as known_gpu_microseconds
    from totals
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    waste,
    cause,
    jobs, -- Jobs with such waste.
    case when is_user_stop then 0 else instance_microseconds end
    / 3.6e9 as wasted_instance_hours, -- Instance-hours that brought nothing.
    case when is_user_stop then 0 else known_gpu_microseconds end
    / 3.6e9 as wasted_gpu_hours, -- GPU-hours that brought nothing; null if all are unknown.
    case when is_user_stop then instance_microseconds else 0 end
    / 3.6e9 as user_stopped_instance_hours, -- Instance-hours of jobs that a user stopped, which may have been worth it.
    case when is_user_stop then known_gpu_microseconds else 0 end
    / 3.6e9 as user_stopped_gpu_hours, -- GPU-hours of jobs that a user stopped; null if all are unknown.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share -- Share of these instance-hours whose GPUs are known.
from known
