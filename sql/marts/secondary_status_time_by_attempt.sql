-- One row per account, region, instance type, spot or not, attempt, counted from 1, and secondary status: the time that
-- jobs spent in the status in that attempt, and its spread over the jobs that entered it then (M12). An interruption
-- belongs to the attempt that it ends. Open jobs count up to observed_at.
-- @unique: account_id, region, instance_type, is_spot, attempt, secondary_status

select
    account_id,
    region,
    instance_type,
    is_spot,
    attempt, -- Attempt at running, from 1.
    secondary_status,
    phase,
    jobs,
    visits,
    seconds,
    time_share as attempt_share, -- Share of the status in the time of all these attempts; null if that is 0.
    mean_seconds,
    p50_seconds,
    p90_seconds,
    p99_seconds,
    is_small_sample
from staging.secondary_status_times
where scope = 'attempt'
