-- How many hours did the jobs of each team use that were created last month, and those of the month before?
-- Metrics M03, M04.
with jobs as (
    select
        coalesce(j.team, 'no team') as team,
        j.instance_hours,
        j.gpu_hours,
        date_trunc('month', j.creation_time) = date_trunc('month', b.newest_observed_at) - interval 1 month
            as is_last_month
    from marts.fct_training_jobs as j
    cross join marts.build_info as b
    where
        j.creation_time >= date_trunc('month', b.newest_observed_at) - interval 2 months
        and j.creation_time < date_trunc('month', b.newest_observed_at)
)

select
    team,
    count(*) filter (where is_last_month) as jobs,
    sum(instance_hours) filter (where is_last_month) as instance_hours,
    sum(instance_hours) filter (where not is_last_month) as instance_hours_month_before,
    sum(gpu_hours) filter (where is_last_month) as gpu_hours,
    sum(gpu_hours) filter (where not is_last_month) as gpu_hours_month_before
from jobs
group by team
order by gpu_hours desc nulls last, instance_hours desc nulls last
