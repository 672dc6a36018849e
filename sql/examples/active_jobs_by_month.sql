-- How many jobs were active on the days of each month: in the mean, and on the busiest of them?
-- Metric M02.
select
    cast(date_trunc('month', date) as date) as month,
    -- A job is active on each day that it runs on: a sum over days would count it more than once.
    avg(active_jobs) as mean_active_jobs,
    max(active_jobs) as most_active_jobs,
    arg_max(date, active_jobs) as busiest_day
from marts.fleet_totals_daily
group by cast(date_trunc('month', date) as date)
order by month
