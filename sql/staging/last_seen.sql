-- One row per account and region: up to when its jobs are known.
-- @unique: account_id, region

select
    s.account_id,
    s.region,
    greatest(
        max(s.seen_at), max(k.last_complete_look_at)
    ) as seen_at -- Newest instant (UTC) at which a job or all of their source was seen.
from staging.sources_seen as s
left join lake.sources as k on s.source = k.source
group by s.account_id, s.region
