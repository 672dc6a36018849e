-- One row per day from the first of which a job tells to that on which the last was seen, days without jobs included:
-- what a chart of a daily mart is joined to, so that days on which nothing happened are drawn as such. Capacity may
-- have been there before: marts.capacity_utilization_daily has all of its days itself.
-- @unique: date

with lives as (
    select
        min(least(creation_time, started_at)) as first_at,
        max(greatest(life_end_at, run_end_at, warm_pool_end_at)) as last_at
    from staging.training_job_lives
),

looks as (
    select max(seen_at) as seen_at
    from staging.last_seen
),

spans as (
    select
        date_trunc('day', local_time(l.first_at)) as first_day,
        date_trunc('day', local_time(greatest(l.last_at, k.seen_at))) as last_day
    from lives as l
    cross join looks as k
)

select
    cast(t.day as date) as date, -- Day of the time zone.
    cast(date_trunc('month', t.day) as date) as month, -- First day of its month.
    cast(isodow(t.day) as bigint) as weekday -- Day of the week: 1 is Monday, 7 is Sunday.
from spans as s
cross join unnest(generate_series(s.first_day, s.last_day, interval 1 day)) as t (day)
