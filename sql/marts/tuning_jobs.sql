-- One row per tuning or AutoML job that has training jobs: how these ended, what they used, how long it all took, and
-- how many ran at once. A training job that names both, as those of Autopilot's own tuning do, counts for each. Metric
-- M23.
-- @unique: parent_kind, parent_job_arn, account_id, region
-- @check every_job_is_of_one_status: completed_jobs + failed_jobs + stopped_jobs + open_jobs = jobs
-- @check peak_is_of_started_jobs: peak_jobs between 0 and started_jobs
-- @check efficiency_is_a_share: parallel_efficiency is null or parallel_efficiency between 0 and 1

with totals as (
    select
        parent_kind,
        parent_job_arn,
        account_id,
        region,
        count(*) as jobs,
        count(*) filter (where is_started) as started_jobs,
        count(*) filter (where training_job_status = 'Completed') as completed_jobs,
        count(*) filter (where training_job_status = 'Failed') as failed_jobs,
        count(*) filter (where training_job_status = 'Stopped') as stopped_jobs,
        count(*) filter (where not is_ended) as open_jobs,
        min(creation_time) as first_creation_time,
        max(last_end_at) as last_end_at,
        epoch_us(max(last_end_at)) - epoch_us(min(creation_time)) as makespan_microseconds,
        epoch_us(max(run_end_at)) - epoch_us(min(started_at)) as running_microseconds,
        cast(sum(run_microseconds) as decimal(38, 0)) as run_microseconds,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
    from staging.tuned_jobs
    group by parent_kind, parent_job_arn, account_id, region
),

-- Up where a run starts, down where one ends, netted at one instant.
steps as (
    select
        c.parent_kind,
        c.parent_job_arn,
        c.account_id,
        c.region,
        case when e.sign > 0 then c.started_at else c.run_end_at end as instant,
        sum(e.sign) as jobs
    from staging.tuned_jobs as c
    cross join unnest([1, -1]) as e (sign)
    where c.is_started
    group by
        c.parent_kind,
        c.parent_job_arn,
        c.account_id,
        c.region,
        case when e.sign > 0 then c.started_at else c.run_end_at end
),

levels as (
    select
        parent_kind,
        parent_job_arn,
        account_id,
        region,
        instant,
        cast(sum(jobs) over (
            partition by parent_kind, parent_job_arn, account_id, region order by instant
        ) as bigint) as jobs
    from steps
),

peaks as (
    select
        parent_kind,
        parent_job_arn,
        account_id,
        region,
        instant as peak_at,
        jobs as peak_jobs
    from levels
    where jobs > 0
    qualify row_number() over (
        partition by parent_kind, parent_job_arn, account_id, region order by jobs desc, instant asc
    ) = 1
)

select
    t.parent_kind, -- What it is: `tuning` or `auto_ml`.
    t.parent_job_arn, -- ARN of the tuning or AutoML job.
    t.account_id,
    t.region,
    t.jobs, -- Training jobs that it created.
    t.started_jobs, -- Those that started.
    t.completed_jobs, -- Those that completed.
    t.failed_jobs, -- Those that failed.
    t.stopped_jobs, -- Those that were stopped.
    t.open_jobs, -- Those that had not ended when last seen.
    t.first_creation_time, -- Creation (UTC) of its first training job.
    t.last_end_at, -- Last end (UTC) of its jobs; of open ones the later of their last visit's and their run's.
    t.makespan_microseconds / 1e6 as makespan_seconds, -- Seconds from the first creation to the last end.
    coalesce(p.peak_jobs, 0) as peak_jobs, -- Most training jobs that ran at once.
    p.peak_at, -- Instant (UTC) from which so many first did; null if none ever ran.
    t.run_microseconds / nullif(
        cast(t.running_microseconds as decimal(19, 0)) * cast(p.peak_jobs as decimal(19, 0)), 0
    ) as parallel_efficiency, -- Mean jobs running from first start to last run end, over peak_jobs (0 to 1); or null.
    t.instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    known_gpu_time(t.gpu_microseconds, t.gpu_known_instance_microseconds, t.instance_microseconds)
    / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    t.gpu_known_instance_microseconds
    / nullif(t.instance_microseconds, 0) as gpu_known_share -- Share of instance_hours whose GPUs are known; null if 0.
from totals as t
left join peaks as p
    on
        t.parent_kind = p.parent_kind
        and t.parent_job_arn = p.parent_job_arn
        and t.account_id = p.account_id
        and t.region = p.region
