-- One row per weekday and hour of the day, all 168 of them: how many jobs were created then (M27), on the clocks of the
-- time zone. Means are over the weeks from the day of the first job to the day of the last.
-- @unique: weekday, hour_of_day
-- @check hours_of_a_day: weekday between 1 and 7 and hour_of_day between 0 and 23

with creations as (
    select local_time(creation_time) as created_at
    from staging.training_job_lives
),

jobs as (
    select
        isodow(created_at) as weekday,
        hour(created_at) as hour_of_day,
        count(*) as submitted_jobs
    from creations
    group by isodow(created_at), hour(created_at)
),

span as (
    select
        isodow(min(created_at)) as first_weekday,
        cast(
            (epoch_us(date_trunc('day', max(created_at))) - epoch_us(date_trunc('day', min(created_at)))) / 86400000000
            as bigint
        ) + 1 as days
    from creations
),

hours as (
    select
        w.weekday,
        h.hour_of_day
    from unnest([1, 2, 3, 4, 5, 6, 7]) as w (weekday)
    cross join unnest(generate_series(0, 23)) as h (hour_of_day)
),

cells as (
    select
        h.weekday,
        h.hour_of_day,
        coalesce(j.submitted_jobs, 0) as submitted_jobs,
        -- Whole weeks, and one day more of the weekdays with which the rest begins.
        coalesce(
            s.days // 7 + case when (h.weekday - s.first_weekday + 7) % 7 < s.days % 7 then 1 else 0 end, 0
        ) as days
    from hours as h
    cross join span as s
    left join jobs as j on h.weekday = j.weekday and h.hour_of_day = j.hour_of_day
)

select
    cast(weekday as bigint) as weekday, -- Day of the week: 1 is Monday, 7 is Sunday.
    hour_of_day, -- Hour of the day, 0 to 23.
    submitted_jobs, -- Jobs created on such a day in this hour.
    days, -- Such days from that of the first job to that of the last.
    submitted_jobs / nullif(days, 0) as mean_submitted_jobs -- submitted_jobs / days; null if there are no such days.
from cells
