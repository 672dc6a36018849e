-- One row per training job, kind of use (`run`, or the `warm_pool` kept after it) and day: for how long, and how much
-- of the bill is of that day. What crosses midnight is split; the bill of a run is spread evenly over it, and where
-- there was no run it is of the day on which the job started or, if it never did, its life ended.
-- @incremental
-- @unique: training_job_arn, kind, date
-- @check time_not_negative: used_microseconds >= 0 and coalesce(billed_microseconds, 0) >= 0

with uses as (
    select
        training_job_arn,
        created_month,
        'run' as kind,
        account_id,
        region,
        instance_type,
        is_spot,
        is_prepaid,
        is_ended,
        is_started,
        instance_count,
        gpu_count,
        coalesce(started_at, life_end_at) as start_time,
        coalesce(run_end_at, life_end_at) as end_time,
        billable_microseconds
    from staging.training_job_lives
    where is_started or billable_microseconds > 0
    union all
    select
        training_job_arn,
        created_month,
        'warm_pool' as kind,
        account_id,
        region,
        instance_type,
        is_spot,
        is_prepaid,
        is_ended,
        false as is_started,
        instance_count,
        gpu_count,
        coalesce(run_end_at, life_end_at) as start_time,
        warm_pool_end_at as end_time,
        warm_pool_microseconds as billable_microseconds
    from staging.training_job_lives
    where warm_pool_microseconds > 0
),

spans as (
    select
        *,
        case when end_time > start_time then epoch_us(end_time) - epoch_us(start_time) else 0 end as whole_microseconds,
        date_trunc('day', local_time(start_time)) as first_day,
        -- What ends at midnight has nothing on the day that begins then.
        date_trunc('day', local_time(greatest(start_time, end_time - interval 1 microsecond))) as last_day
    from uses
),

days as (
    select
        s.*,
        t.day,
        greatest(0, epoch_us(utc_time(t.day)) - epoch_us(s.start_time)) as microseconds_before,
        least(
            s.whole_microseconds, epoch_us(utc_time(t.day + interval 1 day)) - epoch_us(s.start_time)
        ) as microseconds_until
    from spans as s
    cross join unnest(generate_series(s.first_day, s.last_day, interval 1 day)) as t (day)
),

products as (
    select
        *,
        cast(billable_microseconds as decimal(19, 0)) * cast(microseconds_until as decimal(19, 0)) as product_until,
        cast(billable_microseconds as decimal(19, 0)) * cast(microseconds_before as decimal(19, 0)) as product_before
    from days
    -- A day that clocks leave out has no time.
    where whole_microseconds = 0 or microseconds_until > microseconds_before
)

select
    training_job_arn,
    created_month,
    kind, -- Kind of use: `run` or `warm_pool`.
    cast(day as date) as date, -- Day of the time zone.
    account_id,
    region,
    instance_type,
    is_spot,
    is_prepaid,
    is_ended,
    instance_count,
    gpu_count,
    kind = 'run' and is_started and (
        whole_microseconds > 0 or start_time > utc_time(day)
    ) as is_active, -- Whether it ran at some instant of the day.
    case when whole_microseconds > 0 then microseconds_until - microseconds_before else 0
    end as used_microseconds, -- Time of use on this day.
    -- Rounded down to whole microseconds, exactly: what is left over the divisor goes first. What is billed up to a
    -- midnight is the same for both its days: so the days of a job add up.
    case
        when whole_microseconds = 0 then billable_microseconds
        else
            cast(round((product_until - product_until % whole_microseconds) / whole_microseconds) as decimal(19, 0))
            - cast(round((product_before - product_before % whole_microseconds) / whole_microseconds) as decimal(19, 0))
    end as billed_microseconds -- Billed time of this day, of each instance; null if the record has no bill.
from products
