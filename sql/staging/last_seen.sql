-- One row per account and region: up to when its jobs are known.
-- @unique: account_id, region

with sources as (
    select distinct
        account_id,
        region,
        source
    from lake.training_jobs
),

looks as (
    select
        s.account_id,
        s.region,
        max(k.last_complete_look_at) as seen_at
    from sources as s
    inner join lake.sources as k on s.source = k.source
    group by s.account_id, s.region
),

records as (
    select
        account_id,
        region,
        max(observed_at) as seen_at
    from staging.training_jobs
    group by account_id, region
)

select
    r.account_id,
    r.region,
    greatest(r.seen_at, l.seen_at) as seen_at -- Newest instant (UTC) at which a job or all of their source was seen.
from records as r
left join looks as l on r.account_id = l.account_id and r.region = l.region
