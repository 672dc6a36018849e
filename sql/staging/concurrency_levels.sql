-- One row per stretch of time within an hour in which the numbers of jobs, instances and GPUs running at once stay the
-- same, by scope and its values of account, region, instance type and spot or not. Scopes: `dimensions` (hours with an
-- active job only) and `fleet` (dimensions null; every hour from the first day to the last). Jobs of unknown counts are
-- active with 0 instances or 0 GPUs.
-- @check levels_not_negative: jobs >= 0 and instances >= 0 and gpus >= 0 and microseconds >= 0

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
        date_trunc('day', local_time(min(instant))) as first_day,
        date_trunc('day', local_time(max(instant))) as last_day
    from steps
    group by scope, account_id, region, instance_type, is_spot
),

-- A step of nothing as every hour begins, so that no stretch crosses one.
steps_and_hours as (
    select * from steps
    union all
    select
        s.scope,
        s.account_id,
        s.region,
        s.instance_type,
        s.is_spot,
        utc_time(t.hour) as instant,
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
        date_trunc('hour', local_time(instant)) as hour,
        instant,
        -- The last stretch is of an hour in which nothing runs any more.
        epoch_us(
            coalesce(lead(instant) over by_instant, utc_time(date_trunc('hour', local_time(instant)) + interval 1 hour))
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
)

select
    scope, -- Over what is counted: `dimensions` or `fleet`.
    hour, -- Start of the hour, on the clocks of the time zone.
    account_id,
    region,
    instance_type,
    is_spot,
    instant = utc_time(hour) as is_hour_start, -- Whether it begins with the hour.
    microseconds, -- Length of the stretch; 0 for all but one of those that begin at one instant.
    jobs, -- Jobs running.
    instances, -- Instances in use.
    gpus, -- GPUs in use.
    gpu_known_jobs, -- Those of the jobs whose GPUs are known.
    started_jobs, -- Jobs that started as it began.
    started_gpu_known_jobs -- Those of them whose GPUs are known.
from levels
where jobs > 0 or scope = 'fleet' or (started_jobs > 0 and instant > utc_time(hour))
