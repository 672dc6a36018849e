-- One row: how all jobs ended and how often they failed. Three denominators, three columns: by which one a rate is
-- reported can change it more than anything else. Metric M14.

select
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
    failure_rate_all_low,
    failure_rate_all_high,
    is_small_sample,
    is_small_sample_strict
from staging.failure_rates
where scope = 'all'
