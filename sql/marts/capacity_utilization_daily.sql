-- One row per day, account, region, and instance type with capacity (reference.capacities): how much of it was used
-- (M11). A block of capacity counts from the day on which it was there, before there was any job too, but none before
-- 2017-11-29, when SageMaker was not: an earlier valid_from means always. It counts to the day on which it was there no
-- more, or the instant at which its account and region were last seen, or any if these have no jobs: never time that
-- has not happened, or of which nothing is known. Blocks add up.
-- @unique: date, account_id, region, instance_type
-- @check nothing_negative: capacity_instance_hours >= 0 and instance_hours >= 0

with looks as (
    select max(seen_at) as as_of
    from staging.last_seen
),

blocks as (
    select
        c.account_id,
        c.region,
        c.instance_type,
        c.instances,
        coalesce(k.seen_at, s.as_of) as as_of,
        cast(greatest(c.valid_from, date '2017-11-29') as timestamp) as first_day,
        least(
            date_trunc('day', local_time(coalesce(k.seen_at, s.as_of))), c.valid_until - interval 1 day
        ) as last_day
    from reference.capacities as c
    cross join looks as s
    left join staging.last_seen as k on c.account_id = k.account_id and c.region = k.region
    where c.instances >= 0
),

capacities as (
    select
        cast(t.day as date) as date,
        b.account_id,
        b.region,
        b.instance_type,
        sum(b.instances) as capacity_instances,
        sum(
            b.instances * cast(
                epoch_us(least(utc_time(t.day + interval 1 day), b.as_of)) - epoch_us(utc_time(t.day)) as decimal(19, 0)
            )
        ) as capacity_microseconds
    from blocks as b
    cross join unnest(generate_series(b.first_day, b.last_day, interval 1 day)) as t (day)
    where utc_time(t.day) < b.as_of
    group by cast(t.day as date), b.account_id, b.region, b.instance_type
),

uses as (
    select
        date,
        account_id,
        region,
        instance_type,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds
    from staging.instance_type_days
    where kind = 'run'
    group by date, account_id, region, instance_type
)

select
    c.date,
    c.account_id,
    c.region,
    c.instance_type, -- Instance type; of heterogeneous jobs, that of each group.
    cast(c.capacity_instances as bigint) as capacity_instances, -- Instances that were there.
    cast(c.capacity_microseconds as decimal(38, 0)) / 3.6e9
        as capacity_instance_hours, -- Hours of this day for which the capacity_instances were there, added up.
    coalesce(u.instance_microseconds, 0) / 3.6e9 as instance_hours, -- Hours that jobs used, on spot capacity or not.
    coalesce(u.instance_microseconds, 0)
    / nullif(cast(c.capacity_microseconds as decimal(38, 0)), 0)
        as utilization -- instance_hours / capacity_instance_hours; null if these are 0.
from capacities as c
left join uses as u
    on c.date = u.date and c.account_id = u.account_id and c.region = u.region and c.instance_type = u.instance_type
