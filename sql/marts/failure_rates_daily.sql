-- One row per day, account, region, instance type, and spot or not: how the jobs that ended on it ended, and how
-- often they failed; jobs submitted are those created on it. Small samples are marked, not hidden. Metric M14.
-- @unique: date, account_id, region, instance_type, is_spot
-- @check something_happened: submitted_jobs + completed_jobs + failed_jobs + stopped_jobs > 0

select
    date, -- Day of the end of life; for submitted_jobs, of creation.
    account_id,
    region,
    instance_type,
    is_spot,
    submitted_jobs,
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
    is_small_sample,
    is_small_sample_strict
from staging.failure_rates
where scope = 'day'
