-- One row per month, account, region, instance type, spot or not, failure class, and actor: the jobs that failed
-- so, and the hours their runs had used. A job counts in the month in which its life ended, all its hours with it.
-- Metric M16.
-- @unique: date, account_id, region, instance_type, is_spot, failure_class, failure_actor
-- @check share_is_a_share: job_share > 0 and job_share <= 1

with totals as (
    select
        end_month as date,
        account_id,
        region,
        instance_type,
        is_spot,
        end_cause,
        end_actor,
        cast(sum(jobs) as bigint) as jobs,
        sum(instance_microseconds) as instance_microseconds,
        sum(gpu_microseconds) as gpu_microseconds,
        sum(gpu_known_instance_microseconds) as gpu_known_instance_microseconds
    from staging.job_totals
    where training_job_status = 'Failed'
    group by end_month, account_id, region, instance_type, is_spot, end_cause, end_actor
),

shares as (
    select
        *,
        cast(sum(jobs) over (partition by date, account_id, region, instance_type, is_spot) as bigint) as failed_jobs
    from totals
)

select
    date, -- First day of the month of the end of life.
    account_id,
    region,
    instance_type,
    is_spot,
    end_cause as failure_class, -- Class of the failures by reference.failure_rules, or `unknown`.
    end_actor as failure_actor, -- Who can mend them: user, platform or aws; null if unknown.
    jobs, -- Jobs that failed so.
    failed_jobs, -- All jobs of the month and these dimensions that failed.
    jobs / failed_jobs as job_share, -- Share of the jobs in failed_jobs (0 to 1).
    wilson_low(jobs, failed_jobs)
        as job_share_low, -- Lower end of the 95 % interval (Wilson) of job_share.
    wilson_high(jobs, failed_jobs)
        as job_share_high, -- Upper end of the 95 % interval (Wilson) of job_share.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
    / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    failed_jobs < 20 as is_small_sample -- Whether failed_jobs are fewer than 20.
from shares
