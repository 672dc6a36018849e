-- One row per account and region: when its jobs were last seen, and how old their newest change was then. Metric M30.
-- @unique: account_id, region
-- @check age_not_negative: coalesce(newest_change_age_seconds, 0) >= 0

select
    j.account_id,
    j.region,
    max(j.last_modified_time) as newest_last_modified_time, -- Newest LastModifiedTime (UTC); null if none is told.
    max(s.seen_at) as newest_observed_at, -- Newest instant (UTC) at which a job, or all of their source, was seen.
    (epoch_us(max(s.seen_at)) - epoch_us(max(j.last_modified_time)))
    / 1e6 as newest_change_age_seconds -- Seconds from the newest change to when a job was last seen; null if none.
from marts.fct_training_jobs as j
inner join staging.last_seen as s on j.account_id = s.account_id and j.region = s.region
group by j.account_id, j.region
