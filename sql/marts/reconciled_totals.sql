-- One row per mart and measure: its total over the rows of that mart, and over the jobs themselves. The two must agree.
-- Added up as decimals: sums of DOUBLEs depend on their order, so that the same lake would not give the same totals.
-- @unique: mart, measure
-- @check totals_agree: abs(mart_total - job_total) <= 1e-9 * abs(job_total)

with mart_totals as (
    select
        'secondary_status_time' as mart,
        'lifetime_seconds' as measure,
        sum(cast(seconds as decimal(38, 15))) as total
    from marts.secondary_status_time
    union all
    select
        'secondary_status_time_daily' as mart,
        'lifetime_seconds' as measure,
        sum(cast(seconds as decimal(38, 15))) as total
    from marts.secondary_status_time_daily
    union all
    select
        'failure_rates_daily' as mart,
        'ended_jobs' as measure,
        cast(sum(completed_jobs + failed_jobs + stopped_jobs) as decimal(38, 15)) as total
    from marts.failure_rates_daily
    union all
    select
        'failure_rates_monthly' as mart,
        'ended_jobs' as measure,
        cast(sum(completed_jobs + failed_jobs + stopped_jobs) as decimal(38, 15)) as total
    from marts.failure_rates_monthly
    union all
    select
        'utilization_hourly' as mart,
        'instance_hours' as measure,
        sum(cast(instance_hours as decimal(38, 15))) as total
    from marts.utilization_hourly
    union all
    select
        'utilization_hourly' as mart,
        'gpu_hours' as measure,
        sum(cast(gpu_hours as decimal(38, 15))) as total
    from marts.utilization_hourly
    union all
    select
        'fleet_utilization_hourly' as mart,
        'instance_hours' as measure,
        sum(cast(instance_hours as decimal(38, 15))) as total
    from marts.fleet_utilization_hourly
    union all
    select
        'fleet_utilization_hourly' as mart,
        'gpu_hours' as measure,
        sum(cast(gpu_hours as decimal(38, 15))) as total
    from marts.fleet_utilization_hourly
    union all
    select
        'utilization_daily' as mart,
        'instance_hours' as measure,
        sum(cast(instance_hours as decimal(38, 15))) as total
    from marts.utilization_daily
    union all
    select
        'utilization_daily' as mart,
        'gpu_hours' as measure,
        sum(cast(gpu_hours as decimal(38, 15))) as total
    from marts.utilization_daily
    union all
    select
        'utilization_daily' as mart,
        'billable_instance_hours' as measure,
        sum(cast(billable_instance_hours as decimal(38, 15))) as total
    from marts.utilization_daily
),

jobs as (
    select
        count(*) filter (where is_ended) as ended_jobs,
        cast(sum(cast(lifetime_seconds as decimal(38, 15))) as double) as lifetime_seconds,
        cast(sum(cast(instance_hours as decimal(38, 15))) as double) as instance_hours,
        cast(sum(cast(gpu_hours as decimal(38, 15))) as double) as gpu_hours,
        cast(sum(cast(billable_instance_hours as decimal(38, 15))) as double) as billable_instance_hours
    from marts.fct_training_jobs
)

select
    m.mart, -- Name of the mart.
    m.measure, -- What is added up; a job of unknown instances or GPUs adds nothing to the hours of these.
    coalesce(cast(m.total as double), 0) as mart_total, -- The sum over the mart's rows.
    coalesce(
        case m.measure
            when 'ended_jobs' then j.ended_jobs
            when 'lifetime_seconds' then j.lifetime_seconds
            when 'instance_hours' then j.instance_hours
            when 'gpu_hours' then j.gpu_hours
            when 'billable_instance_hours' then j.billable_instance_hours
        end, 0
    ) as job_total -- The sum over the rows of marts.fct_training_jobs.
from mart_totals as m
cross join jobs as j
