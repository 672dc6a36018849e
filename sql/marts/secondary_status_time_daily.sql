-- One row per day, account, region, instance type, spot or not, and secondary status: the time that jobs spent in
-- it on that day. Seconds of visits that cross midnight are split, so that days add up to the total (M12).
-- @unique: date, account_id, region, instance_type, is_spot, secondary_status
-- @check seconds_not_negative: seconds >= 0 and coalesce(instance_seconds, 0) >= 0

select
    date,
    account_id,
    region,
    instance_type,
    is_spot,
    secondary_status,
    phase,
    visits,
    microseconds / 1e6 as seconds, -- Seconds of this day spent in the status, over all jobs.
    instance_microseconds / 1e6
        as instance_seconds -- Seconds times instances; null if the count is unknown for all of the jobs.
from staging.secondary_status_days
