-- One row per account, region, instance type, spot or not, measure (`jobs`, `instances` or `gpus`) and level that was
-- ever reached: for how long so many ran at once, and so many or more (M09). Seconds add up over levels, those at or
-- above one do not. Between two levels that were reached, the time at or above is that of the higher one.
-- @unique: account_id, region, instance_type, is_spot, measure, level

select
    account_id,
    region,
    instance_type,
    is_spot,
    measure,
    level,
    duration_microseconds / 1e6 as seconds, -- Seconds for which there were exactly so many at once.
    microseconds_at_or_above / 1e6 as seconds_at_or_above -- Seconds for which there were so many at once, or more.
from staging.concurrency_totals
where scope = 'dimensions'
