-- One row per month, scope, its values of account, region, instance type and spot or not, measure (`jobs`, `instances`
-- or `gpus`) and level above 0 that was reached in the month: for how long there were so many at once.
-- @incremental by month
-- @unique: month, scope, account_id, region, instance_type, is_spot, measure, level
-- @check level_and_time_positive: level > 0 and duration_microseconds > 0

with times as (
    select
        l.month,
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
        month,
        series,
        measure,
        level,
        cast(sum(duration_microseconds) as bigint) as duration_microseconds
    from times
    where level > 0
    group by month, series, measure, level
)

select
    t.month,
    s.scope,
    s.account_id,
    s.region,
    s.instance_type,
    s.is_spot,
    t.measure, -- What is counted: `jobs`, `instances` or `gpus`.
    t.level, -- How many there were at once.
    t.duration_microseconds -- Time for which there were exactly so many.
from totals as t
inner join staging.concurrency_series as s on t.month = s.month and t.series = s.series
