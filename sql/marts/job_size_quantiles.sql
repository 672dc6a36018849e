-- One row per measure (`gpus` of jobs that have any, `instances` of all jobs): how large jobs are, counting each once,
-- and counting each by the hours it used (M28). A quantile is the least size that at least this share of the jobs, or
-- of their hours, does not exceed. Jobs of unknown size are left out.
-- @unique: measure
-- @check quantiles_in_order: p50 <= p90 and p90 <= p99

with sizes as (
    select
        'gpus' as measure,
        gpu_count as size,
        gpu_microseconds as microseconds
    from staging.training_job_lives
    where gpu_count > 0
    union all
    select
        'instances' as measure,
        instance_count as size,
        instance_microseconds as microseconds
    from staging.training_job_lives
    where instance_count is not null
),

counts as (
    select
        measure,
        size,
        count(*) as jobs,
        cast(sum(microseconds) as decimal(38, 0)) as microseconds
    from sizes
    group by measure, size
),

cumulated as (
    select
        *,
        sum(jobs) over (partition by measure order by size) as jobs_up_to,
        sum(jobs) over (partition by measure) as all_jobs,
        sum(microseconds) over (partition by measure order by size) as microseconds_up_to,
        sum(microseconds) over (partition by measure) as all_microseconds
    from counts
)

select
    measure, -- What makes the size: `gpus` or `instances`.
    cast(max(all_jobs) as bigint) as jobs, -- Jobs of known size.
    cast(max(all_microseconds) as decimal(38, 0)) / 3.6e9 as hours, -- Hours of these GPUs or instances.
    min(size) filter (where jobs_up_to * 2 >= all_jobs) as p50, -- Median size of a job.
    min(size) filter (where jobs_up_to * 10 >= all_jobs * 9) as p90, -- 90th percentile of the size of a job.
    min(size) filter (where jobs_up_to * 100 >= all_jobs * 99) as p99, -- 99th percentile of the size of a job.
    min(size) filter (
        where microseconds_up_to * 2 >= all_microseconds and all_microseconds > 0
    ) as p50_by_hours, -- Size of the job of a median hour; null if there are no hours.
    min(size) filter (
        where microseconds_up_to * 10 >= all_microseconds * 9 and all_microseconds > 0
    ) as p90_by_hours, -- Size of the job of an hour at the 90th percentile; null if there are no hours.
    min(size) filter (
        where microseconds_up_to * 100 >= all_microseconds * 99 and all_microseconds > 0
    ) as p99_by_hours, -- Size of the job of an hour at the 99th percentile; null if there are no hours.
    max(all_jobs) < 20 as is_small_sample -- Whether fewer than 20 jobs are of known size.
from cumulated
group by measure
