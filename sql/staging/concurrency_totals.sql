-- One row per scope, its values of account, region, instance type and spot or not, measure (`jobs`, `instances` or
-- `gpus`) and level above 0 that was ever reached: for how long there were so many at once.
-- @unique: scope, account_id, region, instance_type, is_spot, measure, level
-- @check level_and_time_positive: level > 0 and duration_microseconds > 0

with times as (
    select
        l.series,
        e.measure,
        case e.measure when 'jobs' then l.jobs when 'instances' then l.instances else l.gpus end as level,
        l.duration_microseconds
    from staging.concurrency_levels as l
    cross join unnest(['jobs', 'instances', 'gpus']) as e (measure)
    where l.duration_microseconds > 0
),

totals as (
    select
        series,
        measure,
        level,
        cast(sum(duration_microseconds) as bigint) as duration_microseconds
    from times
    where level > 0
    group by series, measure, level
)

select
    s.scope,
    s.account_id,
    s.region,
    s.instance_type,
    s.is_spot,
    t.measure, -- What is counted: `jobs`, `instances` or `gpus`.
    t.level, -- How many there were at once.
    t.duration_microseconds, -- Time for which there were exactly so many.
    cast(sum(t.duration_microseconds) over (
        partition by t.series, t.measure order by t.level desc
    ) as bigint) as microseconds_at_or_above -- Time for which there were so many or more.
from totals as t
inner join staging.concurrency_series as s on t.series = s.series
