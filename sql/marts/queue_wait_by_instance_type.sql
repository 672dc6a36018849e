-- One row per account, region, instance type, and spot or not: how long jobs waited for such instances. Quantiles over
-- started jobs alone are too low where jobs give up: the Kaplan-Meier ones also count those, and the jobs that still
-- wait (M06, M07).
-- @unique: account_id, region, instance_type, is_spot

select
    account_id,
    region,
    instance_type,
    is_spot,
    started_jobs,
    never_started_jobs,
    mean_seconds,
    p50_seconds,
    p90_seconds,
    p99_seconds,
    km_p50_seconds,
    km_p90_seconds,
    abandoned_seconds,
    is_small_sample
from staging.queue_waits
where scope = 'dimensions'
