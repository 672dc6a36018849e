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
    started_and_failed_jobs
    / nullif(started_and_ended_jobs, 0)
        as failure_rate, -- Share of the started and ended jobs that failed (0 to 1); null if there are none.
    wilson_low(started_and_failed_jobs, started_and_ended_jobs)
        as failure_rate_low, -- Lower end of the 95 % interval (Wilson) of failure_rate; null if that is.
    wilson_high(started_and_failed_jobs, started_and_ended_jobs)
        as failure_rate_high, -- Upper end of the 95 % interval (Wilson) of failure_rate; null if that is.
    failed_jobs
    / nullif(completed_jobs + failed_jobs, 0) as failure_rate_strict, -- Failed / (completed + failed); null if none.
    wilson_low(failed_jobs, completed_jobs + failed_jobs)
        as failure_rate_strict_low, -- Lower end of the 95 % interval (Wilson) of failure_rate_strict.
    wilson_high(failed_jobs, completed_jobs + failed_jobs)
        as failure_rate_strict_high, -- Upper end of the 95 % interval (Wilson) of failure_rate_strict.
    failed_jobs / nullif(submitted_jobs, 0) as failure_rate_all, -- Failed / submitted, may exceed 1; null if none.
    case
        when scope in ('cohort', 'all') then wilson_low(failed_jobs, submitted_jobs)
    end as failure_rate_all_low, -- Lower end of the 95 % interval (Wilson) of failure_rate_all, of the same jobs.
    case
        when scope in ('cohort', 'all') then wilson_high(failed_jobs, submitted_jobs)
    end as failure_rate_all_high, -- Upper end of the 95 % interval (Wilson) of failure_rate_all, of the same jobs.
    started_and_ended_jobs < 20 as is_small_sample, -- Whether fewer than 20 jobs stand behind failure_rate.
    completed_jobs + failed_jobs < 20
        as is_small_sample_strict -- Whether fewer than 20 jobs stand behind failure_rate_strict.
from counts
