-- One row per hour, scope and its values of account, region, instance type and spot or not: how many jobs, instances
-- and GPUs ran at once. Scopes: `dimensions` (hours with an active job only) and `fleet` (dimensions null; every hour
-- from the first day to the last). Jobs of unknown counts are active with 0 instances or 0 GPUs.
-- @incremental by month
-- @unique: scope, hour, account_id, region, instance_type, is_spot
-- @check peaks_not_below_means: peak_jobs >= mean_jobs and peak_instances >= mean_instances
-- @check gpu_peak_not_below_mean: peak_gpus is null or peak_gpus >= mean_gpus
-- @check p95_not_above_peak: p95_jobs <= peak_jobs and p95_instances <= peak_instances
-- @check peak_not_above_active_jobs: active_jobs >= peak_jobs
-- @check nothing_negative: mean_jobs >= 0 and mean_instances >= 0 and coalesce(mean_gpus, 0) >= 0

with hours as (
    select
        month,
        series,
        hour,
        epoch_us(utc_time(hour + interval 1 hour)) - epoch_us(utc_time(hour)) as hour_microseconds,
        max(jobs) as peak_jobs,
        max(instances) as peak_instances,
        max(gpus) as peak_gpus,
        coalesce(min(jobs) filter (where jobs > 0), 0) as least_jobs,
        coalesce(min(instances) filter (where instances > 0), 0) as least_instances,
        coalesce(min(gpus) filter (where gpus > 0), 0) as least_gpus,
        cast(coalesce(sum(duration_microseconds) filter (where jobs > 0), 0) as bigint) as microseconds_of_jobs,
        cast(
            coalesce(sum(duration_microseconds) filter (where instances > 0), 0) as bigint
        ) as microseconds_of_instances,
        cast(coalesce(sum(duration_microseconds) filter (where gpus > 0), 0) as bigint) as microseconds_of_gpus,
        cast(sum(jobs * duration_microseconds) as decimal(38, 0)) as job_microseconds,
        cast(sum(instances * cast(duration_microseconds as decimal(19, 0))) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpus * cast(duration_microseconds as decimal(19, 0))) as decimal(38, 0)) as gpu_microseconds,
        cast(
            coalesce(max(jobs) filter (where is_hour_start), 0)
            + coalesce(sum(started_jobs) filter (where not is_hour_start), 0) as bigint
        ) as active_jobs,
        cast(
            coalesce(max(gpu_known_jobs) filter (where is_hour_start), 0)
            + coalesce(sum(started_gpu_known_jobs) filter (where not is_hour_start), 0) as bigint
        ) as gpu_known_jobs
    from staging.concurrency_levels
    group by month, series, hour
),

-- How long each level lasted, in hours with more than one level above 0.
level_times as (
    select
        l.month,
        l.series,
        l.hour,
        e.measure,
        h.hour_microseconds,
        case e.measure when 1 then l.jobs when 2 then l.instances else l.gpus end as level,
        cast(sum(l.duration_microseconds) as bigint) as microseconds
    from staging.concurrency_levels as l
    inner join hours as h on l.month = h.month and l.series = h.series and l.hour = h.hour
    cross join unnest([1, 2, 3]) as e (measure)
    where
        case e.measure
            when 1 then h.least_jobs < h.peak_jobs
            when 2 then h.least_instances < h.peak_instances
            else h.least_gpus < h.peak_gpus
        end
        and case e.measure when 1 then l.jobs when 2 then l.instances else l.gpus end > 0
    group by
        l.month,
        l.series,
        l.hour,
        e.measure,
        h.hour_microseconds,
        case e.measure when 1 then l.jobs when 2 then l.instances else l.gpus end
),

times_above as (
    select
        *,
        coalesce(sum(microseconds) over (
            partition by month, series, hour, measure
            order by level desc rows between unbounded preceding and 1 preceding
        ), 0) as microseconds_above
    from level_times
),

-- The least level that is exceeded for 5 % of the hour at most.
percentiles as (
    select
        month,
        series,
        hour,
        min(level) filter (where measure = 1) as p95_jobs,
        min(level) filter (where measure = 2) as p95_instances,
        min(level) filter (where measure = 3) as p95_gpus
    from times_above
    where microseconds_above * 20 <= hour_microseconds
    group by month, series, hour
),

-- It is 0 where nothing is above 0 for more than 5 % of the hour.
measured as (
    select
        h.*,
        h.gpu_known_jobs > 0 or h.active_jobs = 0 as is_gpu_known,
        case
            when h.microseconds_of_jobs * 20 > h.hour_microseconds then coalesce(p.p95_jobs, h.peak_jobs)
            else 0
        end as p95_jobs,
        case
            when h.microseconds_of_instances * 20 > h.hour_microseconds then coalesce(p.p95_instances, h.peak_instances)
            else 0
        end as p95_instances,
        case
            when h.microseconds_of_gpus * 20 > h.hour_microseconds then coalesce(p.p95_gpus, h.peak_gpus)
            else 0
        end as p95_gpus
    from hours as h
    left join percentiles as p on h.month = p.month and h.series = p.series and h.hour = p.hour
)

select
    s.scope,
    m.hour, -- Start of the hour, on the clocks of the time zone; one that they show twice is one hour, twice as long.
    s.account_id,
    s.region,
    s.instance_type,
    s.is_spot,
    m.active_jobs, -- Jobs that ran at some instant of the hour.
    m.gpu_known_jobs, -- Those of the active jobs whose GPUs are known.
    m.peak_jobs, -- Greatest number of jobs that ran at once.
    m.p95_jobs, -- Number of jobs that was not exceeded for 95 % of the hour.
    m.job_microseconds / m.hour_microseconds as mean_jobs, -- Mean number of jobs running, over the whole hour.
    m.peak_instances, -- Greatest number of instances in use at once.
    m.p95_instances, -- Number of instances in use that was not exceeded for 95 % of the hour.
    m.instance_microseconds / m.hour_microseconds as mean_instances, -- Mean number of instances in use, over the hour.
    case
        when m.is_gpu_known then m.peak_gpus
    end as peak_gpus, -- Greatest number of GPUs in use at once; null if unknown for all active jobs.
    case
        when m.is_gpu_known then m.p95_gpus
    end as p95_gpus, -- Number of GPUs in use that was not exceeded for 95 % of the hour; null if unknown for all.
    case
        when m.is_gpu_known then m.gpu_microseconds / m.hour_microseconds
    end as mean_gpus, -- Mean number of GPUs in use, over the whole hour; null if unknown for all active jobs.
    m.instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances in use.
    case
        when m.is_gpu_known then m.gpu_microseconds / 3.6e9
    end as gpu_hours -- Hours of GPUs in use; null if unknown for all active jobs.
from measured as m
inner join staging.concurrency_series as s on m.month = s.month and m.series = s.series
