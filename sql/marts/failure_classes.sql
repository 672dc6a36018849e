-- One row per failure class and actor: its share of the failed jobs, and of the hours they used. The class `unknown`,
-- of failures without a reason or with one that no rule of reference.failure_rules matches, is always there: the larger
-- its share, the less the others say. Unknown counts of instances or GPUs are left out. Metric M16.
-- @unique: failure_class, failure_actor
-- @check share_is_a_share: job_share is null or job_share between 0 and 1

with failures as (
    select
        end_cause as failure_class,
        end_actor as failure_actor,
        jobs,
        instance_microseconds,
        gpu_microseconds,
        gpu_known_instance_microseconds
    from staging.job_totals
    where training_job_status = 'Failed'
    union all
    select
        'unknown' as failure_class,
        null as failure_actor,
        0 as jobs,
        0 as instance_microseconds,
        0 as gpu_microseconds,
        0 as gpu_known_instance_microseconds
),

totals as (
    select
        failure_class,
        failure_actor,
        cast(sum(jobs) as bigint) as jobs,
        sum(instance_microseconds) as instance_microseconds,
        sum(gpu_microseconds) as gpu_microseconds,
        sum(gpu_known_instance_microseconds) as gpu_known_instance_microseconds
    from failures
    group by failure_class, failure_actor
),

shares as (
    select
        *,
        known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
            as known_gpu_microseconds,
        cast(sum(jobs) over () as bigint) as failed_jobs
    from totals
)

select
    failure_class, -- Class of the failures by reference.failure_rules, or `unknown`.
    failure_actor, -- Who can mend them: user, platform or aws; null if unknown.
    jobs, -- Jobs that failed so.
    failed_jobs, -- All jobs that failed.
    jobs / nullif(failed_jobs, 0) as job_share, -- Share of the jobs in all that failed (0 to 1); null without any.
    wilson_low(jobs, failed_jobs)
        as job_share_low, -- Lower end of the 95 % interval (Wilson) of job_share; null if that is.
    wilson_high(jobs, failed_jobs)
        as job_share_high, -- Upper end of the 95 % interval (Wilson) of job_share; null if that is.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    instance_microseconds
    / nullif(sum(instance_microseconds) over (), 0) as instance_hour_share, -- Their share in all; null if all are 0.
    known_gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    known_gpu_microseconds
    / nullif(sum(known_gpu_microseconds) over (), 0) as gpu_hour_share, -- Their share in all known; null if all are 0.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    failed_jobs < 20 as is_small_sample -- Whether fewer than 20 jobs failed.
from shares
