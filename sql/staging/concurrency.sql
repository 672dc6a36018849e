-- One row per hour, scope and its values of account, region, instance type and spot or not: how many jobs, instances
-- and GPUs ran at once. Scopes: `dimensions` (hours with an active job only) and `fleet` (dimensions null; every hour
-- from the first day to the last). Jobs of unknown counts are active with 0 instances or 0 GPUs.
-- @unique: scope, hour, account_id, region, instance_type, is_spot
-- @check peaks_not_below_means: peak_jobs >= mean_jobs and peak_instances >= mean_instances
-- @check gpu_peak_not_below_mean: peak_gpus is null or peak_gpus >= mean_gpus
-- @check peak_not_above_active_jobs: active_jobs >= peak_jobs
-- @check nothing_negative: mean_jobs >= 0 and mean_instances >= 0 and coalesce(mean_gpus, 0) >= 0

with runs as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        started_at,
        run_end_at,
        coalesce(instance_count, 0) as instances,
        coalesce(gpu_count, 0) as gpus,
        case when gpu_count is null then 0 else 1 end as gpu_known
    from staging.training_job_lives
    where is_started
),

-- What runs at once is a step function: up where a run starts, down where one ends, netted at one instant.
edges as (
    select
        r.account_id,
        r.region,
        r.instance_type,
        r.is_spot,
        case when e.sign > 0 then r.started_at else r.run_end_at end as instant,
        e.sign as jobs,
        e.sign * r.instances as instances,
        e.sign * r.gpus as gpus,
        e.sign * r.gpu_known as gpu_known_jobs,
        greatest(e.sign, 0) as started_jobs,
        greatest(e.sign, 0) * r.gpu_known as started_gpu_known_jobs
    from runs as r
    cross join unnest([1, -1]) as e (sign)
),

steps as (
    select
        case when grouping(account_id) = 0 then 'dimensions' else 'fleet' end as scope,
        account_id,
        region,
        instance_type,
        is_spot,
        instant,
        -- As DOUBLE, exact for counts: DuckDB's running sums of integers are slow.
        cast(sum(jobs) as double) as jobs,
        cast(sum(instances) as double) as instances,
        cast(sum(gpus) as double) as gpus,
        cast(sum(gpu_known_jobs) as double) as gpu_known_jobs,
        cast(sum(started_jobs) as bigint) as started_jobs,
        cast(sum(started_gpu_known_jobs) as bigint) as started_gpu_known_jobs
    from edges
    group by grouping sets ((account_id, region, instance_type, is_spot, instant), (instant))
),

spans as (
    select
        scope,
        account_id,
        region,
        instance_type,
        is_spot,
        date_trunc('day', min(instant)) as first_day,
        date_trunc('day', max(instant)) as last_day
    from steps
    group by scope, account_id, region, instance_type, is_spot
),

-- A step of nothing on every hour, so that no interval between two steps crosses one.
steps_and_hours as (
    select * from steps
    union all
    select
        s.scope,
        s.account_id,
        s.region,
        s.instance_type,
        s.is_spot,
        t.hour as instant,
        0 as jobs,
        0 as instances,
        0 as gpus,
        0 as gpu_known_jobs,
        0 as started_jobs,
        0 as started_gpu_known_jobs
    from spans as s
    cross join unnest(
        generate_series(s.first_day, s.last_day + interval 23 hours, interval 1 hour)
    ) as t (hour)
),

levels as (
    select
        scope,
        account_id,
        region,
        instance_type,
        is_spot,
        date_trunc('hour', instant) as hour,
        instant,
        epoch_us(
            coalesce(lead(instant) over by_instant, instant + interval 1 hour)
        ) - epoch_us(instant) as microseconds,
        started_jobs,
        started_gpu_known_jobs,
        -- Of rows at one instant, each sees the sum of all: the window's frame ends with its peers.
        cast(sum(jobs) over by_instant as bigint) as jobs,
        cast(sum(instances) over by_instant as bigint) as instances,
        cast(sum(gpus) over by_instant as bigint) as gpus,
        cast(sum(gpu_known_jobs) over by_instant as bigint) as gpu_known_jobs
    from steps_and_hours
    window by_instant as (partition by scope, account_id, region, instance_type, is_spot order by instant)
),

hours as (
    select
        scope,
        account_id,
        region,
        instance_type,
        is_spot,
        hour,
        max(jobs) as peak_jobs,
        max(instances) as peak_instances,
        max(gpus) as peak_gpus,
        cast(sum(jobs * microseconds) as decimal(38, 0)) as job_microseconds,
        cast(sum(instances * cast(microseconds as decimal(19, 0))) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpus * cast(microseconds as decimal(19, 0))) as decimal(38, 0)) as gpu_microseconds,
        cast(
            coalesce(max(jobs) filter (where instant = hour), 0)
            + coalesce(sum(started_jobs) filter (where instant > hour), 0) as bigint
        ) as active_jobs,
        cast(
            coalesce(max(gpu_known_jobs) filter (where instant = hour), 0)
            + coalesce(sum(started_gpu_known_jobs) filter (where instant > hour), 0) as bigint
        ) as gpu_known_jobs
    from levels
    where jobs > 0 or scope = 'fleet' or (started_jobs > 0 and instant > date_trunc('hour', instant))
    group by scope, account_id, region, instance_type, is_spot, hour
)

select
    scope, -- Over what is counted: `dimensions` or `fleet`.
    hour, -- Start of the hour (UTC).
    account_id,
    region,
    instance_type,
    is_spot,
    active_jobs, -- Jobs that ran at some instant of the hour.
    gpu_known_jobs, -- Those of the active jobs whose GPUs are known.
    peak_jobs, -- Greatest number of jobs that ran at once.
    job_microseconds / 3.6e9 as mean_jobs, -- Mean number of jobs running, over the whole hour.
    peak_instances, -- Greatest number of instances in use at once.
    instance_microseconds / 3.6e9 as mean_instances, -- Mean number of instances in use, over the whole hour.
    case
        when gpu_known_jobs > 0 or active_jobs = 0 then peak_gpus
    end as peak_gpus, -- Greatest number of GPUs in use at once; null if unknown for all active jobs.
    case
        when gpu_known_jobs > 0 or active_jobs = 0 then gpu_microseconds / 3.6e9
    end as mean_gpus, -- Mean number of GPUs in use, over the whole hour; null if unknown for all active jobs.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances in use.
    case
        when gpu_known_jobs > 0 or active_jobs = 0 then gpu_microseconds / 3.6e9
    end as gpu_hours, -- Hours of GPUs in use; null if unknown for all active jobs.
    instance_microseconds, -- Microseconds of instances in use.
    gpu_microseconds -- Microseconds of GPUs in use, unknown ones as 0.
from hours
