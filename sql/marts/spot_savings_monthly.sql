-- One row per month, account, region, and instance type in which spot jobs ran, ended or were interrupted: what spot
-- capacity saved, and how often it interrupted (M22). Savings are of the jobs that ended in the month, weighted by
-- instance-hours: a mean of the jobs' own savings would count the small ones as much as the large. They are negative
-- where more was billed than trained. Interruptions and hours are of the month in which they were, of open jobs too;
-- their rate has an exact interval of 95 % (Garwood).
-- @unique: date, account_id, region, instance_type
-- @check compared_jobs_ended: compared_jobs <= ended_jobs
-- @check interrupted_jobs_ended: interrupted_jobs <= ended_jobs
-- @check above_low: coalesce(interruptions_per_1000_instance_hours >= interruptions_per_1000_instance_hours_low, true)
-- @check below_high: coalesce(interruptions_per_1000_instance_hours < interruptions_per_1000_instance_hours_high, true)

-- What each month has of one and of the other.
with parts as (
    select
        end_month as date,
        account_id,
        region,
        instance_type,
        jobs as ended_jobs,
        compared_jobs,
        compared_billed_microseconds as billed_microseconds,
        compared_trained_microseconds as trained_microseconds,
        interrupted_jobs,
        null as instance_microseconds,
        0 as interruptions
    from staging.job_totals
    where is_spot and end_month is not null
    union all
    select
        cast(date_trunc('month', date) as date) as date,
        account_id,
        region,
        instance_type,
        0 as ended_jobs,
        0 as compared_jobs,
        null as billed_microseconds,
        null as trained_microseconds,
        0 as interrupted_jobs,
        instance_microseconds,
        0 as interruptions
    from staging.job_days
    where is_spot and active_jobs > 0
    union all
    select
        month as date,
        account_id,
        region,
        instance_type,
        0 as ended_jobs,
        0 as compared_jobs,
        null as billed_microseconds,
        null as trained_microseconds,
        0 as interrupted_jobs,
        null as instance_microseconds,
        visits as interruptions
    from staging.secondary_status_days
    where is_spot and secondary_status = 'Interrupted' and visits > 0
),

totals as (
    select
        date,
        account_id,
        region,
        instance_type,
        cast(sum(ended_jobs) as bigint) as ended_jobs,
        cast(sum(compared_jobs) as bigint) as compared_jobs,
        cast(sum(billed_microseconds) as decimal(38, 0)) as billed_microseconds,
        cast(sum(trained_microseconds) as decimal(38, 0)) as trained_microseconds,
        cast(sum(interrupted_jobs) as bigint) as interrupted_jobs,
        cast(coalesce(sum(instance_microseconds), 0) as decimal(38, 0)) as instance_microseconds,
        cast(sum(interruptions) as bigint) as interruptions
    from parts
    group by date, account_id, region, instance_type
)

select
    date, -- First day of the month.
    account_id,
    region,
    instance_type,
    ended_jobs, -- Spot jobs whose life ended in the month.
    compared_jobs, -- Those of them whose trained and billed time are known: savings are theirs.
    trained_microseconds / 3.6e9 as trained_instance_hours, -- TrainingTimeInSeconds times instances; null if none.
    billed_microseconds / 3.6e9 as billed_instance_hours, -- BillableTimeInSeconds times instances; null if none.
    1 - billed_microseconds / nullif(trained_microseconds, 0) as savings, -- 1 - billed / trained; null if none trained.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of spot runs in the month, of known counts.
    interruptions, -- How often spot jobs were interrupted in the month.
    interrupted_jobs, -- Those of the ended_jobs that had ever been interrupted.
    1000 * interruptions
    / nullif(instance_microseconds / 3.6e9, 0)
        as interruptions_per_1000_instance_hours, -- Interruptions per 1,000 instance_hours; null if these are 0.
    1000 * poisson_low(interruptions)
    / nullif(instance_microseconds / 3.6e9, 0)
        as interruptions_per_1000_instance_hours_low, -- Lower end of its interval; 0 without interruptions.
    1000 * poisson_high(interruptions)
    / nullif(instance_microseconds / 3.6e9, 0)
        as interruptions_per_1000_instance_hours_high, -- Upper end of its interval.
    interruptions < 20 as is_small_sample -- Whether fewer than 20 interruptions stand behind the rate.
from totals
