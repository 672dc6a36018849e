-- How many jobs come, start and end each month, and how does that change from one month to the next?
-- Metric M01.
with months as (
    select
        cast(date_trunc('month', date) as date) as month,
        sum(submitted_jobs) as submitted_jobs,
        sum(started_jobs) as started_jobs,
        sum(ended_jobs) as ended_jobs
    from marts.utilization_daily
    group by cast(date_trunc('month', date) as date)
)

select
    month,
    submitted_jobs,
    submitted_jobs / nullif(lag(submitted_jobs) over (order by month), 0) - 1 as submitted_change,
    started_jobs,
    ended_jobs
from months
order by month asc
