-- One row per account and region: when its jobs were last seen, and how old their newest change was then. Metric M30.
-- @unique: account_id, region
-- @check age_not_negative: coalesce(newest_change_age_seconds, 0) >= 0

select
    account_id,
    region,
    max(last_modified_time) as newest_last_modified_time, -- Newest LastModifiedTime (UTC); null if none is told.
    max(observed_at) as newest_observed_at, -- Newest instant (UTC) at which a job was seen.
    (epoch_us(max(observed_at)) - epoch_us(max(last_modified_time)))
    / 1e6 as newest_change_age_seconds -- Seconds from the newest change to when a job was last seen; null if none.
from marts.fct_training_jobs
group by account_id, region
