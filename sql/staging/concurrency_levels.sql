-- One row per series of concurrency and stretch of time within an hour in which the numbers of jobs, instances and GPUs
-- running at once stay the same. Of dimensions there are the hours with an active job only, of the fleet all from the
-- first day to the last. Jobs of unknown counts are active with 0 instances or 0 GPUs.
-- @unique: series, start_time
-- @check levels_not_negative: jobs >= 0 and instances >= 0 and gpus >= 0 and duration_microseconds >= 0

with runs as (
    select
        s.series,
        l.started_at,
        l.run_end_at,
        coalesce(l.instance_count, 0) as instances,
        coalesce(l.gpu_count, 0) as gpus,
        case when l.gpu_count is null then 0 else 1 end as gpu_known
    from staging.training_job_lives as l
    inner join staging.concurrency_series as s
        on
            l.account_id = s.account_id
            and l.region = s.region
            and l.instance_type = s.instance_type
            and l.is_spot = s.is_spot
    where l.is_started
),

-- What runs at once is a step function: up where a run starts, down where one ends, netted at one instant.
edges as (
    select
        r.series,
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
        coalesce(series, 0) as series,
        instant,
        -- As DOUBLE, exact for counts: DuckDB's running sums of integers are slow.
        cast(sum(jobs) as double) as jobs,
        cast(sum(instances) as double) as instances,
        cast(sum(gpus) as double) as gpus,
        cast(sum(gpu_known_jobs) as double) as gpu_known_jobs,
        cast(sum(started_jobs) as bigint) as started_jobs,
        cast(sum(started_gpu_known_jobs) as bigint) as started_gpu_known_jobs
    from edges
    group by grouping sets ((series, instant), (instant))
),

-- The whole fleet is told from the first day to the last.
fleet_bounds as (
    select
        case
            when e.is_first then date_trunc('day', local_time(min(s.instant)))
            else date_trunc('day', local_time(max(s.instant))) + interval 1 day
        end as day
    from steps as s
    cross join unnest([true, false]) as e (is_first)
    group by e.is_first
),

fleet_days as (
    select
        0 as series,
        utc_time(day) as instant,
        0 as jobs,
        0 as instances,
        0 as gpus,
        0 as gpu_known_jobs,
        0 as started_jobs,
        0 as started_gpu_known_jobs
    from fleet_bounds
),

all_steps as (
    select * from steps
    union all
    select * from fleet_days
),

levels as (
    select
        series,
        instant,
        coalesce(lead(instant) over by_instant, instant) as next_instant,
        started_jobs,
        started_gpu_known_jobs,
        -- Of rows at one instant, each sees the sum of all: the window's frame ends with its peers.
        cast(sum(jobs) over by_instant as bigint) as jobs,
        cast(sum(instances) over by_instant as bigint) as instances,
        cast(sum(gpus) over by_instant as bigint) as gpus,
        cast(sum(gpu_known_jobs) over by_instant as bigint) as gpu_known_jobs
    from all_steps
    window by_instant as (partition by series order by instant)
),

-- What is idle has no hours, but that of the whole fleet, or of a run without length.
spans as (
    select
        *,
        date_trunc('hour', local_time(instant)) as first_hour,
        case
            when jobs > 0 or series = 0
                then date_trunc('hour', local_time(greatest(instant, next_instant - interval 1 microsecond)))
            else date_trunc('hour', local_time(instant))
        end as last_hour
    from levels
    where jobs > 0 or series = 0 or started_jobs > 0
),

stretches as (
    select
        s.*,
        t.hour,
        greatest(s.instant, utc_time(t.hour)) as start_time,
        case
            when s.jobs > 0 or s.series = 0 then least(s.next_instant, utc_time(t.hour + interval 1 hour))
            else s.instant
        end as end_time
    from spans as s
    cross join unnest(generate_series(s.first_hour, greatest(s.first_hour, s.last_hour), interval 1 hour)) as t (hour)
)

select
    series,
    hour, -- Start of the hour, on the clocks of the time zone.
    start_time, -- Start of the stretch (UTC).
    start_time = utc_time(hour) as is_hour_start, -- Whether it begins with the hour.
    epoch_us(end_time) - epoch_us(start_time) as duration_microseconds, -- Its length; 0 for runs without length.
    jobs, -- Jobs running.
    instances, -- Instances in use.
    gpus, -- GPUs in use.
    gpu_known_jobs, -- Those of the jobs whose GPUs are known.
    case when start_time = instant then started_jobs else 0 end as started_jobs, -- Jobs that started as it began.
    case
        when start_time = instant then started_gpu_known_jobs else 0
    end as started_gpu_known_jobs -- Those of them whose GPUs are known.
from stretches
where end_time > start_time or (jobs = 0 and started_jobs > 0 and start_time = instant and start_time > utc_time(hour))
