-- One row per day, account, region, team, training job status, failure class, prepaid or not, and line of the bill
-- (`training`, or the `warm_pool` kept after it): hours billed, and what those of known price cost at list price (M05).
-- The status is the last one seen: what a job that failed in the end cost on its first day counts as failed.
-- @incremental by month
-- @unique: date, account_id, region, team, training_job_status, failure_class, is_prepaid, line
-- @check share_is_a_share: priced_share is null or priced_share between 0 and 1 + 1e-9

with totals as (
    select
        date,
        account_id,
        region,
        team,
        training_job_status,
        failure_class,
        is_prepaid,
        line,
        cast(sum(billed_instance_microseconds) as decimal(38, 0)) as billed_instance_microseconds,
        cast(sum(priced_instance_microseconds) as decimal(38, 0)) as priced_instance_microseconds,
        -- As decimals: a sum of DOUBLEs depends on their order.
        cast(sum(cast(list_cost as decimal(38, 18))) as double) as list_cost
    from staging.job_cost_days
    group by date, account_id, region, team, training_job_status, failure_class, is_prepaid, line
)

select
    date,
    account_id,
    region,
    team, -- Value of the job's tag `team`; null if it has none.
    training_job_status,
    failure_class,
    is_prepaid,
    line,
    billed_instance_microseconds
    / 3.6e9 as billed_instance_hours, -- Billed hours times instances; null if the bill of none is known.
    priced_instance_microseconds
    / 3.6e9 as priced_instance_hours, -- Billed hours that have a price; null if prepaid, or unknown.
    priced_instance_microseconds / nullif(
        billed_instance_microseconds, 0
    ) as priced_share, -- Share of billed_instance_hours with a price; null if prepaid.
    list_cost -- Cost of the hours that have a price; null if none has.
from totals
