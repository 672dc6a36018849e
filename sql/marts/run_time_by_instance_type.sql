-- One row per instance type: how long jobs on it ran (M25). Open jobs make quantiles over ended runs alone too low: the
-- Kaplan-Meier ones count them too, for as long as they were seen.
-- @unique: instance_type

select
    instance_type,
    ended_runs,
    open_runs,
    mean_seconds,
    p50_seconds,
    p90_seconds,
    p99_seconds,
    km_p50_seconds,
    km_p90_seconds,
    is_small_sample
from staging.run_times
where scope = 'instance_type'
