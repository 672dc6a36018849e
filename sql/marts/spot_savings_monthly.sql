-- One row per month, account, region, and instance type in which spot jobs ended: what spot capacity saved, and how
-- often it interrupted (M22). Weighted by instance-hours: a mean of the jobs' own savings would count the small ones as
-- much as the large. Savings are negative where more was billed than trained. The rate of interruptions has an exact
-- interval of 95 % (Garwood).
-- @unique: date, account_id, region, instance_type
-- @check compared_jobs_ended: compared_jobs <= ended_jobs
-- @check above_low: coalesce(interruptions_per_1000_instance_hours >= interruptions_per_1000_instance_hours_low, true)
-- @check below_high: coalesce(interruptions_per_1000_instance_hours < interruptions_per_1000_instance_hours_high, true)

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
),

-- Above the table, the expansion that marts.failures_per_node_days explains.
bounds as (
    select
        t.*,
        coalesce(
            b.low,
            t.interruptions - 1.959963984540054 * sqrt(t.interruptions) + 0.9471529402313751
            + 0.17196185986461623 / nullif(sqrt(t.interruptions), 0) - 0.06809954241743825 / nullif(t.interruptions, 0)
            - 0.03444176509221394 / nullif(power(t.interruptions, 1.5), 0)
            - 0.024394073942926014 / nullif(power(t.interruptions, 2), 0)
            - 0.015001812870610526 / nullif(power(t.interruptions, 2.5), 0)
        ) as interruptions_low,
        coalesce(
            b.high,
            t.interruptions + 1 + 1.959963984540054 * sqrt(t.interruptions + 1) + 0.9471529402313751
            - 0.17196185986461623 / sqrt(t.interruptions + 1) - 0.06809954241743825 / (t.interruptions + 1)
            + 0.03444176509221394 / power(t.interruptions + 1, 1.5)
            - 0.024394073942926014 / power(t.interruptions + 1, 2)
            + 0.015001812870610526 / power(t.interruptions + 1, 2.5)
        ) as interruptions_high
    from totals as t
    left join staging.poisson_bounds as b on t.interruptions = b.events
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
        as interruptions_per_1000_instance_hours, -- Interruptions per 1,000 instance_hours; null if these are 0.
    1000 * interruptions_low
    / nullif(instance_microseconds / 3.6e9, 0)
        as interruptions_per_1000_instance_hours_low, -- Lower end of its interval; 0 without interruptions.
    1000 * interruptions_high
    / nullif(instance_microseconds / 3.6e9, 0)
        as interruptions_per_1000_instance_hours_high, -- Upper end of its interval.
    interruptions < 20 as is_small_sample -- Whether fewer than 20 interruptions stand behind the rate.
from bounds
