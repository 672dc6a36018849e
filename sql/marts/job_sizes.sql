-- One row per size of jobs by their GPUs (`0`, `1`, `2-4`, `5-8`, `>8` or `unknown`): how many jobs have it, and what
-- share of the hours they used (M28). Few large jobs may be most of the hours.
-- @unique: size_bucket
-- @check share_is_a_share: job_share > 0 and job_share <= 1

with sizes as (
    select
        *,
        case
            when gpu_count is null then 'unknown'
            when gpu_count = 0 then '0'
            when gpu_count = 1 then '1'
            when gpu_count <= 4 then '2-4'
            when gpu_count <= 8 then '5-8'
            else '>8'
        end as size_bucket
    from staging.training_job_lives
),

totals as (
    select
        size_bucket,
        count(*) as jobs,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds
    from sizes
    group by size_bucket
)

select
    size_bucket, -- GPUs of the job: `0`, `1`, `2-4`, `5-8`, `>8` or `unknown`.
    jobs, -- Jobs of this size, started or not.
    jobs / sum(jobs) over () as job_share, -- Their share in all jobs (0 to 1).
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    instance_microseconds
    / nullif(sum(instance_microseconds) over (), 0) as instance_hour_share, -- Their share in all; null if all are 0.
    gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if unknown.
    gpu_microseconds
    / nullif(sum(gpu_microseconds) over (), 0) as gpu_hour_share -- Their share in all known; null if all are 0.
from totals
