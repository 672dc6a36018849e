-- One row per series of concurrency and stretch of time within an hour in which the numbers of jobs, instances and GPUs
-- running at once stay the same. Of dimensions there are the hours with an active job only, of the fleet all from the
-- first day to the last. Jobs of unknown counts are active with 0 instances or 0 GPUs.
-- @incremental by month
-- @unique: month, series, start_time
-- @check levels_not_negative: jobs >= 0 and instances >= 0 and gpus >= 0 and duration_microseconds >= 0

-- What runs at once is a step function: up where a run starts, down where one ends, netted at one instant. A month
-- begins with what ran before.
with edges as (
    select
        r.month,
        k.series,
        r.instant,
        r.jobs,
        r.instances,
        r.gpus,
        r.gpu_known_jobs,
        r.started_jobs,
        r.started_gpu_known_jobs
    from staging.run_steps as r
    inner join staging.concurrency_series as s
        on
            r.month = s.month
            and r.account_id = s.account_id
            and r.region = s.region
            and r.instance_type = s.instance_type
            and r.is_spot = s.is_spot
    cross join unnest([s.series, 0]) as k (series)
    union all
    select
        s.month,
        s.series,
        case when e.is_begin then s.from_at else s.until_at end as instant,
        case when e.is_begin then s.jobs else 0 end as jobs,
        case when e.is_begin then s.instances else 0 end as instances,
        case when e.is_begin then s.gpus else 0 end as gpus,
        case when e.is_begin then s.gpu_known_jobs else 0 end as gpu_known_jobs,
        0 as started_jobs,
        0 as started_gpu_known_jobs
    from staging.concurrency_series as s
    cross join unnest([true, false]) as e (is_begin)
),

steps as (
    select
        month,
        series,
        instant,
        -- As DOUBLE, exact for counts: DuckDB's running sums of integers are slow.
        cast(sum(jobs) as double) as jobs,
        cast(sum(instances) as double) as instances,
        cast(sum(gpus) as double) as gpus,
        cast(sum(gpu_known_jobs) as double) as gpu_known_jobs,
        cast(sum(started_jobs) as bigint) as started_jobs,
        cast(sum(started_gpu_known_jobs) as bigint) as started_gpu_known_jobs
    from edges
    group by month, series, instant
),

levels as (
    select
        month,
        series,
        instant,
        lead(instant) over by_instant as next_instant,
        started_jobs,
        started_gpu_known_jobs,
        cast(sum(jobs) over by_instant as bigint) as jobs,
        cast(sum(instances) over by_instant as bigint) as instances,
        cast(sum(gpus) over by_instant as bigint) as gpus,
        cast(sum(gpu_known_jobs) over by_instant as bigint) as gpu_known_jobs
    from steps
    window by_instant as (partition by month, series order by instant)
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
    where next_instant is not null and (jobs > 0 or series = 0 or started_jobs > 0)
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
    month,
    series, -- Number of the series in this month; 0 is the whole fleet.
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
