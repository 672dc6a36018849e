-- One row per scope, its values of account, region, instance type and spot or not, measure (`jobs`, `instances` or
-- `gpus`) and level above 0 that was ever reached: for how long there were so many at once.
-- @unique: scope, account_id, region, instance_type, is_spot, measure, level

with totals as (
    select
        scope,
        account_id,
        region,
        instance_type,
        is_spot,
        measure,
        level,
        cast(sum(duration_microseconds) as bigint) as duration_microseconds
    from staging.concurrency_times
    group by scope, account_id, region, instance_type, is_spot, measure, level
)

select
    scope,
    account_id,
    region,
    instance_type,
    is_spot,
    measure,
    level,
    duration_microseconds,
    cast(sum(duration_microseconds) over (
        partition by scope, account_id, region, instance_type, is_spot, measure order by level desc
    ) as bigint) as microseconds_at_or_above -- Time for which there were so many or more.
from totals
