-- One row per scope, its values of account, region, instance type and spot or not, measure (`jobs`, `instances` or
-- `gpus`) and level above 0 that was ever reached: for how long there were so many at once.
-- @unique: scope, account_id, region, instance_type, is_spot, measure, level
-- @check level_and_time_positive: level > 0 and microseconds > 0

with times as (
    select
        l.scope,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        e.measure,
        case e.measure when 'jobs' then l.jobs when 'instances' then l.instances else l.gpus end as level,
        l.microseconds
    from staging.concurrency_levels as l
    cross join unnest(['jobs', 'instances', 'gpus']) as e (measure)
    where l.microseconds > 0
)

select
    scope,
    account_id,
    region,
    instance_type,
    is_spot,
    measure, -- What is counted: `jobs`, `instances` or `gpus`.
    level, -- How many there were at once.
    cast(sum(microseconds) as bigint) as microseconds, -- Time for which there were exactly so many.
    cast(sum(sum(cast(microseconds as double))) over (
        partition by scope, account_id, region, instance_type, is_spot, measure order by level desc
    ) as bigint) as microseconds_at_or_above -- Time for which there were so many or more.
from times
where level > 0
group by scope, account_id, region, instance_type, is_spot, measure, level
