-- One row per final training job status: its share of the ended jobs, of those of them that had started, and of the
-- hours they used. Few jobs may be most of the hours, or the other way round. Unknown counts of instances or GPUs are
-- left out (M13).
-- @unique: training_job_status
-- @check share_is_a_share: job_share > 0 and job_share <= 1
-- @check started_jobs_are_jobs: started_jobs <= jobs

with totals as (
    select
        training_job_status,
        cast(sum(jobs) as bigint) as jobs,
        cast(coalesce(sum(jobs) filter (where is_started), 0) as bigint) as started_jobs,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
    from staging.job_totals
    where end_month is not null
    group by training_job_status
),

shares as (
    select
        *,
        known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
            as known_gpu_microseconds,
        cast(sum(jobs) over () as bigint) as ended_jobs,
        cast(sum(started_jobs) over () as bigint) as started_and_ended_jobs
    from totals
)

select
    training_job_status,
    jobs, -- Jobs that ended so.
    ended_jobs, -- All jobs that ended.
    jobs / ended_jobs as job_share, -- Share of the jobs in all that ended (0 to 1).
    wilson_low(jobs, ended_jobs)
        as job_share_low, -- Lower end of the 95 % interval (Wilson) of job_share.
    wilson_high(jobs, ended_jobs)
        as job_share_high, -- Upper end of the 95 % interval (Wilson) of job_share.
    started_jobs, -- Those of the jobs that started.
    started_and_ended_jobs, -- All jobs that ended, having started.
    started_jobs
    / nullif(started_and_ended_jobs, 0) as started_job_share, -- Share of started_jobs in them; null if none started.
    wilson_low(started_jobs, started_and_ended_jobs)
        as started_job_share_low, -- Lower end of the 95 % interval (Wilson) of started_job_share; null if that is.
    wilson_high(started_jobs, started_and_ended_jobs)
        as started_job_share_high, -- Upper end of the 95 % interval (Wilson) of started_job_share; null if that is.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    instance_microseconds
    / nullif(sum(instance_microseconds) over (), 0) as instance_hour_share, -- Their share in all; null if all are 0.
    known_gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    known_gpu_microseconds
    / nullif(sum(known_gpu_microseconds) over (), 0) as gpu_hour_share, -- Their share in all known; null if all are 0.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    ended_jobs < 20 as is_small_sample -- Whether fewer than 20 jobs ended.
from shares
