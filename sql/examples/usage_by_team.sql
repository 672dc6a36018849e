-- How many hours of instances and GPUs did each team use last month, and in the month before?
-- Metrics M03, M04.
with months as (
    select
        date_trunc('month', newest_observed_at) - interval 2 months as month_before,
        date_trunc('month', newest_observed_at) - interval 1 month as last_month,
        date_trunc('month', newest_observed_at) as this_month
    from marts.build_info
),

-- A run that goes on over the end of a month has its part in each.
uses as (
    select
        coalesce(j.team, 'no team') as team,
        e.is_last_month,
        j.instance_count,
        j.gpu_count,
        (
            epoch_us(least(j.run_end_at, case when e.is_last_month then m.this_month else m.last_month end))
            - epoch_us(greatest(j.started_at, case when e.is_last_month then m.last_month else m.month_before end))
        ) / 3.6e9 as hours
    from marts.fct_training_jobs as j
    cross join months as m
    cross join unnest([true, false]) as e (is_last_month)
    where j.is_started
)

select
    team,
    count(*) filter (where is_last_month) as active_jobs,
    sum(instance_count * hours) filter (where is_last_month) as instance_hours,
    sum(instance_count * hours) filter (where not is_last_month) as instance_hours_month_before,
    sum(gpu_count * hours) filter (where is_last_month) as gpu_hours,
    sum(gpu_count * hours) filter (where not is_last_month) as gpu_hours_month_before,
    -- GPUs of unknown types are in no sum.
    sum(instance_count * hours) filter (where gpu_count is not null) / sum(instance_count * hours) as gpu_known_share
from uses
where hours > 0
group by team
order by gpu_hours desc nulls last, instance_hours desc nulls last
