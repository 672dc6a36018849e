-- One row per month, account, region, instance type, and spot or not: how much of the time and of the hours that
-- its chains of retries took was productive. A chain is of the month, and of the dimensions, of its first job's
-- creation. Open chains count up to observed_at. Hours of unknown instance counts are left out. Metric M19.
-- @unique: date, account_id, region, instance_type, is_spot
-- @check bounds_in_order: productive_seconds_low <= productive_seconds_high
-- @check ratios_are_shares: ettr_low is null or (ettr_low >= 0 and ettr_high <= 1)

with months as (
    select
        cast(date_trunc('month', local_time(first_creation_time)) as date) as date,
        account_id,
        region,
        instance_type,
        is_spot,
        count(*) as chains,
        count(*) filter (where is_open) as open_chains,
        count(*) filter (where training_job_status = 'Completed') as completed_chains,
        count(*) filter (where retries > 0) as retried_chains,
        cast(sum(jobs) as bigint) as jobs,
        cast(sum(retries) as bigint) as retries,
        -- As decimals: sums of DOUBLEs depend on their order.
        cast(sum(cast(elapsed_seconds as decimal(28, 6))) as double) as elapsed_seconds,
        cast(sum(cast(productive_seconds_low as decimal(28, 6))) as double) as productive_seconds_low,
        cast(sum(cast(productive_seconds_high as decimal(28, 6))) as double) as productive_seconds_high,
        cast(sum(cast(instance_hours as decimal(28, 12))) as double) as instance_hours,
        cast(sum(cast(productive_instance_hours_low as decimal(28, 12))) as double) as productive_instance_hours_low,
        cast(sum(cast(productive_instance_hours_high as decimal(28, 12))) as double) as productive_instance_hours_high
    from marts.fct_retry_chains
    group by
        cast(date_trunc('month', local_time(first_creation_time)) as date), account_id, region, instance_type, is_spot
)

select
    date, -- First day of the month in which the chains began.
    account_id,
    region,
    instance_type,
    is_spot,
    chains, -- Chains of retries, jobs that nobody retried included.
    open_chains, -- Those whose last job had not ended when last seen.
    completed_chains, -- Those whose last job completed.
    retried_chains, -- Those with a retry.
    jobs,
    retries,
    elapsed_seconds, -- Seconds from first creation to last end, over all chains.
    productive_seconds_low, -- Productive Training seconds, lower bound, over all chains.
    productive_seconds_high, -- Productive Training seconds, upper bound, over all chains.
    productive_seconds_low
    / nullif(elapsed_seconds, 0) as ettr_low, -- productive_seconds_low / elapsed_seconds; null if no time passed.
    productive_seconds_high
    / nullif(elapsed_seconds, 0) as ettr_high, -- productive_seconds_high / elapsed_seconds; null if no time passed.
    instance_hours,
    productive_instance_hours_low, -- Productive instance-hours, lower bound, over all chains.
    productive_instance_hours_high, -- Productive instance-hours, upper bound, over all chains.
    productive_instance_hours_low
    / nullif(instance_hours, 0) as goodput_low, -- Share of the instance-hours that was productive, lower bound.
    productive_instance_hours_high
    / nullif(instance_hours, 0) as goodput_high, -- Share of the instance-hours that was productive, upper bound.
    chains < 20 as is_small_sample -- Whether there are fewer than 20 chains.
from months
