-- One row per month of creation, account, region, instance type, and spot or not: how the jobs created in it ended
-- so far, how many are still open, and how often they failed. The younger a cohort, the more of it is open: rates of
-- two cohorts compare where few jobs are. Small samples are marked, not hidden. Metric M14.
-- @unique: date, account_id, region, instance_type, is_spot
-- @check all_jobs_are_counted: open_jobs >= 0 and submitted_jobs > 0

select
    date, -- First day of the month of creation.
    account_id,
    region,
    instance_type,
    is_spot,
    submitted_jobs, -- Jobs created in the month.
    submitted_jobs - completed_jobs - failed_jobs
    - stopped_jobs as open_jobs, -- Those that had not ended when last seen.
    completed_jobs,
    failed_jobs,
    stopped_jobs,
    started_and_ended_jobs,
    started_and_failed_jobs,
    failure_rate,
    failure_rate_low,
    failure_rate_high,
    failure_rate_strict,
    failure_rate_strict_low,
    failure_rate_strict_high,
    failure_rate_all,
    failure_rate_all_low,
    failure_rate_all_high,
    is_small_sample,
    is_small_sample_strict
from staging.failure_rates
where scope = 'cohort'
