-- One row per account, region, instance type, spot or not, and stop cause: who or what stopped jobs, as far as their
-- records tell. Causes: `max_runtime_exceeded`, `max_wait_time_exceeded` (spot), `tuning_early_stop` for a child of a
-- tuning job, which the tuner stopped early or with all its children, and `user_or_api` for all others. Metric M15.
-- @unique: account_id, region, instance_type, is_spot, stop_cause
-- @check share_is_a_share: job_share > 0 and job_share <= 1

with totals as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        end_cause,
        cast(sum(jobs) as bigint) as jobs,
        cast(coalesce(sum(jobs) filter (where not is_started), 0) as bigint) as never_started_jobs,
        sum(instance_microseconds) as instance_microseconds,
        sum(gpu_microseconds) as gpu_microseconds,
        sum(gpu_known_instance_microseconds) as gpu_known_instance_microseconds
    from staging.job_totals
    where training_job_status = 'Stopped'
    group by account_id, region, instance_type, is_spot, end_cause
),

shares as (
    select
        *,
        cast(sum(jobs) over (partition by account_id, region, instance_type, is_spot) as bigint) as stopped_jobs
    from totals
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    end_cause
        as stop_cause, -- Cause: max_runtime_exceeded, max_wait_time_exceeded, tuning_early_stop or user_or_api.
    jobs, -- Jobs that ended Stopped for this cause.
    stopped_jobs, -- All jobs of these dimensions that ended Stopped.
    jobs / stopped_jobs as job_share, -- Share of the cause in stopped_jobs (0 to 1).
    wilson_low(jobs, stopped_jobs)
        as job_share_low, -- Lower end of the 95 % interval (Wilson) of job_share.
    wilson_high(jobs, stopped_jobs)
        as job_share_high, -- Upper end of the 95 % interval (Wilson) of job_share.
    never_started_jobs, -- Those of them that had not started.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
    / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    stopped_jobs < 20 as is_small_sample -- Whether stopped_jobs are fewer than 20.
from shares
