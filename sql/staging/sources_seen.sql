-- One row per month of creation, account, region and source: up to when its jobs are known.
-- @incremental
-- @unique: created_month, account_id, region, source

select
    created_month,
    account_id,
    region,
    source,
    max(observed_at) as seen_at -- Newest instant (UTC) up to which one of the jobs is known.
from staging.training_jobs
group by created_month, account_id, region, source
