-- One row per month, account, region, and instance type in which spot jobs ended: what spot capacity saved, and how
-- often it interrupted (M22). Weighted by instance-hours: a mean of the jobs' own savings would count the small ones as
-- much as the large. Savings are negative where more was billed than trained.
-- @unique: date, account_id, region, instance_type
-- @check compared_jobs_ended: compared_jobs <= ended_jobs

with interruptions as (
    select
        training_job_arn,
        count(*) as interruptions
    from staging.secondary_status_visits
    where secondary_status = 'Interrupted'
    group by training_job_arn
),

totals as (
    select
        cast(date_trunc('month', local_time(l.life_end_at)) as date) as date,
        l.account_id,
        l.region,
        l.instance_type,
        count(*) as ended_jobs,
        count(*) filter (
            where l.training_time_in_seconds is not null and l.billable_instance_microseconds is not null
        ) as compared_jobs,
        cast(
            sum(l.billable_instance_microseconds) filter (where l.training_time_in_seconds is not null)
            as decimal(38, 0)
        ) as billed_microseconds,
        cast(
            sum(
                cast(l.training_time_in_seconds as decimal(19, 0)) * 1000000 * l.instance_count
            ) filter (where l.billable_instance_microseconds is not null) as decimal(38, 0)
        ) as trained_microseconds,
        cast(sum(l.instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(coalesce(sum(i.interruptions), 0) as bigint) as interruptions,
        count(i.interruptions) as interrupted_jobs
    from staging.training_job_lives as l
    left join interruptions as i on l.training_job_arn = i.training_job_arn
    where l.is_spot and l.is_ended
    group by date_trunc('month', local_time(l.life_end_at)), l.account_id, l.region, l.instance_type
)

select
    date, -- First day of the month in which the life of the jobs ended.
    account_id,
    region,
    instance_type,
    ended_jobs, -- Spot jobs that ended.
    compared_jobs, -- Those of them whose trained and billed time are known: savings are theirs.
    trained_microseconds / 3.6e9 as trained_instance_hours, -- TrainingTimeInSeconds times instances; null if none.
    billed_microseconds / 3.6e9 as billed_instance_hours, -- BillableTimeInSeconds times instances; null if none.
    1 - billed_microseconds / nullif(trained_microseconds, 0) as savings, -- 1 - billed / trained; null if none trained.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances that the jobs used; null if all are unknown.
    interruptions, -- How often the jobs were interrupted.
    interrupted_jobs, -- Jobs that were interrupted at all.
    1000 * interruptions
    / nullif(instance_microseconds / 3.6e9, 0)
        as interruptions_per_1000_instance_hours -- Interruptions per 1,000 instance_hours; null if these are 0.
from totals
