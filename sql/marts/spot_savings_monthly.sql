-- One row per month, account, region, and instance type in which spot jobs ended: what spot capacity saved, and how
-- often it interrupted (M22). Weighted by instance-hours: a mean of the jobs' own savings would count the small ones as
-- much as the large. Savings are negative where more was billed than trained.
-- @unique: date, account_id, region, instance_type
-- @check compared_jobs_ended: compared_jobs <= ended_jobs

with totals as (
    select
        end_month as date,
        account_id,
        region,
        instance_type,
        cast(sum(jobs) as bigint) as ended_jobs,
        cast(sum(compared_jobs) as bigint) as compared_jobs,
        cast(sum(compared_billed_microseconds) as decimal(38, 0)) as billed_microseconds,
        cast(sum(compared_trained_microseconds) as decimal(38, 0)) as trained_microseconds,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(interruptions) as bigint) as interruptions,
        cast(sum(interrupted_jobs) as bigint) as interrupted_jobs
    from staging.job_totals
    where is_spot and end_month is not null
    group by end_month, account_id, region, instance_type
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
