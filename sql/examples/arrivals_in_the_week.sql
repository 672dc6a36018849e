-- When in the week do jobs arrive: at which hours are there the most, and on which weekdays?
-- Metric M27.
select
    hour_of_day,
    sum(submitted_jobs) as submitted_jobs,
    max(mean_submitted_jobs) filter (where weekday = 1) as monday,
    max(mean_submitted_jobs) filter (where weekday = 2) as tuesday,
    max(mean_submitted_jobs) filter (where weekday = 3) as wednesday,
    max(mean_submitted_jobs) filter (where weekday = 4) as thursday,
    max(mean_submitted_jobs) filter (where weekday = 5) as friday,
    max(mean_submitted_jobs) filter (where weekday = 6) as saturday,
    max(mean_submitted_jobs) filter (where weekday = 7) as sunday
from marts.arrivals
group by hour_of_day
order by hour_of_day asc
