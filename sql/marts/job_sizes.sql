-- One row per size of jobs by their GPUs (`0`, `1`, `2-4`, `5-8`, `>8` or `unknown`): how many jobs have it, and what
-- share of the hours they used (M28). Few large jobs may be most of the hours.
-- @unique: size_bucket
-- @check share_is_a_share: job_share > 0 and job_share <= 1

with totals as (
    select
        size_bucket(gpu_count) as size_bucket,
        count(*) as jobs,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
    from staging.training_job_lives
    group by size_bucket(gpu_count)
),

shares as (
    select
        *,
        known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
            as known_gpu_microseconds,
        cast(sum(jobs) over () as bigint) as all_jobs
    from totals
)

select
    size_bucket, -- GPUs of the job: `0`, `1`, `2-4`, `5-8`, `>8` or `unknown`.
    jobs, -- Jobs of this size, started or not.
    all_jobs, -- Jobs of all sizes.
    jobs / all_jobs as job_share, -- Share of the jobs in all_jobs (0 to 1).
    wilson_low(jobs, all_jobs)
        as job_share_low, -- Lower end of the 95 % interval (Wilson) of job_share.
    wilson_high(jobs, all_jobs)
        as job_share_high, -- Upper end of the 95 % interval (Wilson) of job_share.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    instance_microseconds
    / nullif(sum(instance_microseconds) over (), 0) as instance_hour_share, -- Their share in all; null if all are 0.
    known_gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if unknown.
    known_gpu_microseconds
    / nullif(sum(known_gpu_microseconds) over (), 0) as gpu_hour_share, -- Their share in all known; null if all are 0.
    all_jobs < 20 as is_small_sample -- Whether there are fewer than 20 jobs in all.
from shares
