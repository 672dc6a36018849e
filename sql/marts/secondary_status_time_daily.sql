-- One row per day, account, region, instance type, spot or not, and secondary status: the time that jobs spent in
-- it on that day. Seconds of visits that cross midnight are split, so that days add up to the total (M12).
-- @incremental by month
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
    cast(sum(visits) as bigint) as visits,
    cast(sum(microseconds) as decimal(38, 0)) / 1e6 as seconds, -- Seconds of this day in the status, over all jobs.
    cast(sum(instance_microseconds) as decimal(38, 0))
    / 1e6 as instance_seconds -- Seconds times instances; null if the count is unknown for all of the jobs.
from staging.secondary_status_days
group by date, account_id, region, instance_type, is_spot, secondary_status, phase
