-- One row per mart and measure: its total over the rows of that mart, and over the jobs themselves. The two must agree.
-- @unique: mart, measure
-- @check totals_agree: abs(mart_total - job_total) <= 1e-9 * job_total

with mart_totals as (
    select
        'secondary_status_time' as mart,
        'lifetime_seconds' as measure,
        sum(seconds) as total
    from marts.secondary_status_time
    union all
    select
        'secondary_status_time_daily' as mart,
        'lifetime_seconds' as measure,
        sum(seconds) as total
    from marts.secondary_status_time_daily
    union all
    select
        'failure_rates_daily' as mart,
        'ended_jobs' as measure,
        sum(completed_jobs + failed_jobs + stopped_jobs) as total
    from marts.failure_rates_daily
    union all
    select
        'failure_rates_monthly' as mart,
        'ended_jobs' as measure,
        sum(completed_jobs + failed_jobs + stopped_jobs) as total
    from marts.failure_rates_monthly
    union all
    select
        'utilization_hourly' as mart,
        'instance_hours' as measure,
        sum(instance_hours) as total
    from marts.utilization_hourly
    union all
    select
        'utilization_hourly' as mart,
        'gpu_hours' as measure,
        sum(gpu_hours) as total
    from marts.utilization_hourly
    union all
    select
        'fleet_utilization_hourly' as mart,
        'instance_hours' as measure,
        sum(instance_hours) as total
    from marts.fleet_utilization_hourly
    union all
    select
        'fleet_utilization_hourly' as mart,
        'gpu_hours' as measure,
        sum(gpu_hours) as total
    from marts.fleet_utilization_hourly
    union all
    select
        'utilization_daily' as mart,
        'instance_hours' as measure,
        sum(instance_hours) as total
    from marts.utilization_daily
    union all
    select
        'utilization_daily' as mart,
        'gpu_hours' as measure,
        sum(gpu_hours) as total
    from marts.utilization_daily
    union all
    select
        'utilization_daily' as mart,
        'billable_instance_hours' as measure,
        sum(billable_instance_hours) as total
    from marts.utilization_daily
),

jobs as (
    select
        count(*) filter (where is_ended) as ended_jobs,
        sum(lifetime_seconds) as lifetime_seconds,
        sum(instance_hours) as instance_hours,
        sum(gpu_hours) as gpu_hours,
        sum(billable_instance_hours) as billable_instance_hours
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
