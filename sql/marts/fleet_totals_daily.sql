-- One row per day, from the first of marts.calendar to the last, none missing: what the whole fleet did on it, how jobs
-- ended, and what they used and cost (M01, M02, M03, M04, M05, M12). On days without jobs that is 0.
-- @unique: date
-- @check share_is_a_share: coalesce(training_share, 0) between 0 and 1 and coalesce(gpu_known_share, 0) between 0 and 1
-- @check priced_share_is_a_share: priced_share is null or priced_share between 0 and 1 + 1e-9

with uses as (
    select
        date,
        cast(sum(submitted_jobs) as bigint) as submitted_jobs,
        cast(sum(started_jobs) as bigint) as started_jobs,
        cast(sum(active_jobs) as bigint) as active_jobs,
        cast(sum(ended_jobs) as bigint) as ended_jobs,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        bool_or(has_runs) as has_runs,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds,
        cast(sum(billable_instance_microseconds) as decimal(38, 0)) as billable_instance_microseconds,
        cast(sum(trained_microseconds) as decimal(38, 0)) as trained_microseconds,
        cast(sum(life_microseconds) as decimal(38, 0)) as life_microseconds
    from staging.job_days
    group by date
),

ends as (
    select
        date,
        cast(sum(completed_jobs) as bigint) as completed_jobs,
        cast(sum(failed_jobs) as bigint) as failed_jobs,
        cast(sum(stopped_jobs) as bigint) as stopped_jobs
    from marts.failure_rates_daily
    group by date
),

costs as (
    select
        date,
        -- As decimals: a sum of DOUBLEs depends on their order.
        cast(sum(cast(billed_instance_hours as decimal(38, 18))) as double) as billed_instance_hours,
        cast(sum(cast(priced_instance_hours as decimal(38, 18))) as double) as priced_instance_hours,
        cast(sum(cast(list_cost as decimal(38, 18))) as double) as list_cost
    from marts.list_costs_daily
    where not is_prepaid
    group by date
)

select
    c.date,
    coalesce(u.submitted_jobs, 0) as submitted_jobs, -- Jobs created on this day.
    coalesce(u.started_jobs, 0) as started_jobs, -- Jobs that started on this day.
    coalesce(u.active_jobs, 0) as active_jobs, -- Jobs that ran at some instant of it; they do not add up over days.
    coalesce(u.ended_jobs, 0) as ended_jobs, -- Jobs whose life ended on this day.
    coalesce(e.completed_jobs, 0) as completed_jobs, -- Jobs that ended Completed on this day.
    coalesce(e.failed_jobs, 0) as failed_jobs, -- Jobs that ended Failed on this day.
    coalesce(e.stopped_jobs, 0) as stopped_jobs, -- Jobs that ended Stopped on this day.
    coalesce(u.instance_microseconds, 0) / 3.6e9 as instance_hours, -- Hours of instances used; unknown counts as 0.
    case
        when u.has_runs then u.gpu_microseconds else 0
    end / 3.6e9 as gpu_hours, -- Hours of GPUs used; null if jobs ran, but none of known GPUs.
    u.gpu_known_instance_microseconds
    / nullif(u.instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    case
        when u.has_runs then u.billable_instance_microseconds else coalesce(u.billable_instance_microseconds, 0)
    end / 3.6e9
        as billable_instance_hours, -- Billed hours times instances, of runs; null if jobs ran, but none of known bill.
    u.trained_microseconds
    / nullif(u.life_microseconds, 0) as training_share, -- Share of Training in the lifetime of jobs; null if that is 0.
    case
        when k.date is null then 0 else k.list_cost
    end as list_cost, -- Cost at list price, with warm pools, without what is prepaid; null if unknown.
    k.priced_instance_hours / nullif(
        k.billed_instance_hours, 0
    ) as priced_share -- Share of the billed hours, not prepaid, that have a price; null if there are none.
from marts.calendar as c
left join uses as u on c.date = u.date
left join ends as e on c.date = e.date
left join costs as k on c.date = k.date
