-- Did jobs fail less in the 90 days from a date on, such as that of a new image, than in the 90 days before it?
-- Metric M14.
with change as (
    select date '2026-04-01' as changed_on
),

periods as (
    select
        case when f.date < c.changed_on then 'before' else 'after' end as period,
        min(f.date) as first_date,
        max(f.date) as last_date,
        sum(f.started_and_failed_jobs) as started_and_failed_jobs,
        sum(f.started_and_ended_jobs) as started_and_ended_jobs
    from marts.failure_rates_daily as f
    cross join change as c
    where f.date >= c.changed_on - interval 90 days and f.date < c.changed_on + interval 90 days
    group by case when f.date < c.changed_on then 'before' else 'after' end
)

select
    period,
    first_date,
    last_date,
    started_and_failed_jobs,
    started_and_ended_jobs,
    started_and_failed_jobs / nullif(started_and_ended_jobs, 0) as failure_rate
from periods
order by first_date asc
