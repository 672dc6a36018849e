-- One row per scope and its values of date, account, region, instance type and spot or not: how jobs ended and how
-- often they failed. Scopes: `day`, `month`, `cohort`, and `all` (one row, whose date and dimensions are null). Days
-- and months are those in which jobs were submitted or ended, cohorts the months in which all these jobs were created.
-- @unique: scope, date, account_id, region, instance_type, is_spot
-- @check rate_not_below_its_interval: failure_rate is null or failure_rate >= failure_rate_low - 1e-9
-- @check rate_not_above_its_interval: failure_rate is null or failure_rate <= failure_rate_high + 1e-9
-- @check interval_is_a_share: coalesce(failure_rate_low, 0) >= 0 and coalesce(failure_rate_high, 1) <= 1
-- @check started_and_ended_jobs_ended: started_and_ended_jobs <= completed_jobs + failed_jobs + stopped_jobs

with outcomes as (
    select
        *,
        cast(date_trunc('month', date) as date) as month
    from staging.job_outcomes
),

counts as (
    -- Of no jobs at all there is a row too, which counts none.
    select
        case
            when grouping(date) = 0 then 'day'
            when grouping(month) = 0 then 'month'
            when grouping(cohort) = 0 then 'cohort'
            else 'all'
        end as scope,
        coalesce(date, month, cohort) as date,
        account_id,
        region,
        instance_type,
        is_spot,
        cast(coalesce(sum(submitted_jobs), 0) as bigint) as submitted_jobs,
        cast(coalesce(sum(completed_jobs), 0) as bigint) as completed_jobs,
        cast(coalesce(sum(failed_jobs), 0) as bigint) as failed_jobs,
        cast(coalesce(sum(stopped_jobs), 0) as bigint) as stopped_jobs,
        cast(coalesce(sum(started_and_ended_jobs), 0) as bigint) as started_and_ended_jobs,
        cast(coalesce(sum(started_and_failed_jobs), 0) as bigint) as started_and_failed_jobs
    from outcomes
    group by grouping sets (
        (date, account_id, region, instance_type, is_spot),
        (month, account_id, region, instance_type, is_spot),
        (cohort, account_id, region, instance_type, is_spot),
        ()
    )
),

-- Wilson's interval of 95 %; 3.84… is the square of its z, 1.959963984540054.
rates as (
    select
        *,
        started_and_failed_jobs / nullif(started_and_ended_jobs, 0) as failure_rate,
        3.841458820694124 / nullif(started_and_ended_jobs, 0) as z_squared_share
    from counts
),

intervals as (
    select
        *,
        (failure_rate + z_squared_share / 2) / (1 + z_squared_share) as centre,
        sqrt(z_squared_share * (failure_rate * (1 - failure_rate) + z_squared_share / 4))
        / (1 + z_squared_share) as margin
    from rates
)

select
    scope, -- Over what is counted: `day`, `month`, `cohort` or `all`.
    date, -- Day, or first day of the month; null for all.
    account_id,
    region,
    instance_type,
    is_spot,
    submitted_jobs, -- Jobs created in the period; all else but cohorts counts jobs by the end of their life.
    completed_jobs, -- Jobs that ended Completed.
    failed_jobs, -- Jobs that ended Failed, started or not.
    stopped_jobs, -- Jobs that ended Stopped, started or not.
    started_and_ended_jobs, -- Jobs that ended, having started: the denominator of failure_rate.
    started_and_failed_jobs, -- Jobs that ended Failed, having started: the numerator of failure_rate.
    failure_rate, -- Share of the started and ended jobs that failed (0 to 1); null if there are none.
    case
        when failure_rate is not null then greatest(0, centre - margin)
    end as failure_rate_low, -- Lower end of the 95 % interval (Wilson) of failure_rate; null if that is.
    case
        when failure_rate is not null then least(1, centre + margin)
    end as failure_rate_high, -- Upper end of the 95 % interval (Wilson) of failure_rate; null if that is.
    failed_jobs
    / nullif(completed_jobs + failed_jobs, 0) as failure_rate_strict, -- Failed / (completed + failed); null if none.
    failed_jobs / nullif(submitted_jobs, 0) as failure_rate_all, -- Failed / submitted, may exceed 1; null if none.
    started_and_ended_jobs < 20 as is_small_sample -- Whether fewer than 20 jobs stand behind failure_rate.
from intervals
