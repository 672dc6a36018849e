-- One row per day, account, region, instance type, and spot or not, on which anything happened: jobs that came and
-- went, hours used and hours billed. Hours of a run that crosses midnight are split, so that days add up to the total;
-- billed hours are spread evenly over the run (M01, M02, M03, M04, M05, M12).
-- @incremental by month
-- @unique: date, account_id, region, instance_type, is_spot
-- @check nothing_negative: least(instance_hours, coalesce(gpu_hours, 0), coalesce(billable_instance_hours, 0)) >= 0
-- @check share_is_a_share: coalesce(training_share, 0) between 0 and 1 and coalesce(gpu_known_share, 0) between 0 and 1

with totals as (
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        cast(sum(submitted_jobs) as bigint) as submitted_jobs,
        cast(sum(started_jobs) as bigint) as started_jobs,
        cast(sum(active_jobs) as bigint) as active_jobs,
        cast(sum(ended_jobs) as bigint) as ended_jobs,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds,
        case
            when bool_or(has_runs) then cast(sum(gpu_microseconds) as decimal(38, 0)) else 0
        end as gpu_microseconds,
        case
            when bool_or(has_runs) then cast(sum(billable_instance_microseconds) as decimal(38, 0))
            else coalesce(cast(sum(billable_instance_microseconds) as decimal(38, 0)), 0)
        end as billable_instance_microseconds,
        cast(sum(trained_microseconds) as decimal(38, 0)) as trained_microseconds,
        cast(sum(life_microseconds) as decimal(38, 0)) as life_microseconds
    from staging.job_days
    group by date, account_id, region, instance_type, is_spot
)

select
    date, -- Day of the time zone.
    account_id,
    region,
    instance_type,
    is_spot,
    submitted_jobs, -- Jobs created on this day.
    started_jobs, -- Jobs that started on this day.
    active_jobs, -- Jobs that ran at some instant of this day; they do not add up over days.
    ended_jobs, -- Jobs whose life ended on this day.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances used; unknown counts as 0.
    gpu_microseconds / 3.6e9 as gpu_hours, -- Hours of GPUs used; null if jobs ran, but none of known GPUs.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    billable_instance_microseconds / 3.6e9
        as billable_instance_hours, -- Billed hours times instances; null if jobs ran, but none of known bill.
    trained_microseconds
    / nullif(life_microseconds, 0) as training_share -- Share of Training in the lifetime of jobs; null if that is 0.
from totals
where
    submitted_jobs + started_jobs + active_jobs + ended_jobs > 0
    or life_microseconds + instance_microseconds + coalesce(billable_instance_microseconds, 0) > 0
