-- One row per account, region, instance type, spot or not, and secondary status: the time that jobs spent in it in all,
-- and its spread over the jobs that entered it. Open jobs count up to observed_at (M12).
-- @unique: account_id, region, instance_type, is_spot, secondary_status
-- @check seconds_not_negative: seconds >= 0
-- @check share_is_a_share: lifetime_share is null or lifetime_share between 0 and 1

select
    account_id,
    region,
    instance_type,
    is_spot,
    secondary_status,
    phase,
    jobs,
    visits,
    seconds,
    time_share as lifetime_share, -- Share of the status in the lifetime of all these jobs; null if that is 0.
    mean_seconds,
    p50_seconds,
    p90_seconds,
    p99_seconds,
    is_small_sample
from staging.secondary_status_times
where scope = 'job'
