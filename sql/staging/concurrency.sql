-- One row per hour, scope and its values of account, region, instance type and spot or not: how many jobs, instances
-- and GPUs ran at once. Scopes: `dimensions` (hours with an active job only) and `fleet` (dimensions null; every hour
-- from the first day to the last). Jobs of unknown counts are active with 0 instances or 0 GPUs.
-- @unique: scope, hour, account_id, region, instance_type, is_spot
-- @check peaks_not_below_means: peak_jobs >= mean_jobs and peak_instances >= mean_instances
-- @check gpu_peak_not_below_mean: peak_gpus is null or peak_gpus >= mean_gpus
-- @check p95_not_above_peak: p95_jobs <= peak_jobs and p95_instances <= peak_instances
-- @check peak_not_above_active_jobs: active_jobs >= peak_jobs
-- @check nothing_negative: mean_jobs >= 0 and mean_instances >= 0 and coalesce(mean_gpus, 0) >= 0

with hours as (
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
            coalesce(max(jobs) filter (where is_hour_start), 0)
            + coalesce(sum(started_jobs) filter (where not is_hour_start), 0) as bigint
        ) as active_jobs,
        cast(
            coalesce(max(gpu_known_jobs) filter (where is_hour_start), 0)
            + coalesce(sum(started_gpu_known_jobs) filter (where not is_hour_start), 0) as bigint
        ) as gpu_known_jobs
    from staging.concurrency_levels
    group by scope, account_id, region, instance_type, is_spot, hour
),

-- How long each level lasted in each hour.
level_times as (
    select
        l.scope,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        l.hour,
        e.measure,
        case e.measure when 'jobs' then l.jobs when 'instances' then l.instances else l.gpus end as level,
        cast(sum(l.microseconds) as bigint) as microseconds
    from staging.concurrency_levels as l
    cross join unnest(['jobs', 'instances', 'gpus']) as e (measure)
    where case e.measure when 'jobs' then l.jobs when 'instances' then l.instances else l.gpus end > 0
    group by
        l.scope,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        l.hour,
        e.measure,
        case e.measure when 'jobs' then l.jobs when 'instances' then l.instances else l.gpus end
),

times_above as (
    select
        *,
        epoch_us(utc_time(hour + interval 1 hour)) - epoch_us(utc_time(hour)) as hour_microseconds,
        coalesce(sum(microseconds) over (
            partition by scope, account_id, region, instance_type, is_spot, hour, measure
            order by level desc rows between unbounded preceding and 1 preceding
        ), 0) as microseconds_above,
        sum(microseconds) over (
            partition by scope, account_id, region, instance_type, is_spot, hour, measure
        ) as microseconds_above_nothing
    from level_times
),

-- The least level that is exceeded for 5 % of the hour at most.
percentiles as (
    select
        scope,
        account_id,
        region,
        instance_type,
        is_spot,
        hour,
        min(level) filter (where measure = 'jobs') as p95_jobs,
        min(level) filter (where measure = 'instances') as p95_instances,
        min(level) filter (where measure = 'gpus') as p95_gpus
    from times_above
    where microseconds_above * 20 <= hour_microseconds and microseconds_above_nothing * 20 > hour_microseconds
    group by scope, account_id, region, instance_type, is_spot, hour
),

measured as (
    select
        h.*,
        epoch_us(utc_time(h.hour + interval 1 hour)) - epoch_us(utc_time(h.hour)) as hour_microseconds,
        h.gpu_known_jobs > 0 or h.active_jobs = 0 as is_gpu_known,
        coalesce(p.p95_jobs, 0) as p95_jobs,
        coalesce(p.p95_instances, 0) as p95_instances,
        coalesce(p.p95_gpus, 0) as p95_gpus
    from hours as h
    left join percentiles as p
        on
            h.scope = p.scope
            and h.hour = p.hour
            and h.account_id is not distinct from p.account_id
            and h.region is not distinct from p.region
            and h.instance_type is not distinct from p.instance_type
            and h.is_spot is not distinct from p.is_spot
)

select
    scope, -- Over what is counted: `dimensions` or `fleet`.
    hour, -- Start of the hour, on the clocks of the time zone; one that they show twice is one hour, twice as long.
    account_id,
    region,
    instance_type,
    is_spot,
    active_jobs, -- Jobs that ran at some instant of the hour.
    gpu_known_jobs, -- Those of the active jobs whose GPUs are known.
    peak_jobs, -- Greatest number of jobs that ran at once.
    p95_jobs, -- Number of jobs that was not exceeded for 95 % of the hour.
    job_microseconds / hour_microseconds as mean_jobs, -- Mean number of jobs running, over the whole hour.
    peak_instances, -- Greatest number of instances in use at once.
    p95_instances, -- Number of instances in use that was not exceeded for 95 % of the hour.
    instance_microseconds / hour_microseconds as mean_instances, -- Mean number of instances in use, over the hour.
    case
        when is_gpu_known then peak_gpus
    end as peak_gpus, -- Greatest number of GPUs in use at once; null if unknown for all active jobs.
    case
        when is_gpu_known then p95_gpus
    end as p95_gpus, -- Number of GPUs in use that was not exceeded for 95 % of the hour; null likewise.
    case
        when is_gpu_known then gpu_microseconds / hour_microseconds
    end as mean_gpus, -- Mean number of GPUs in use, over the whole hour; null if unknown for all active jobs.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances in use.
    case
        when is_gpu_known then gpu_microseconds / 3.6e9
    end as gpu_hours -- Hours of GPUs in use; null if unknown for all active jobs.
from measured
