-- Which roles use the most instance-hours, and what share of all do the first few of them use together?
-- Metric M26.
with roles as (
    select
        coalesce(role_arn, 'unknown') as role_arn,
        count(*) as jobs,
        sum(instance_hours) as instance_hours
    from marts.fct_training_jobs
    group by coalesce(role_arn, 'unknown')
)

select
    role_arn,
    jobs,
    instance_hours,
    instance_hours / nullif(sum(instance_hours) over (), 0) as hour_share,
    sum(instance_hours) over (order by instance_hours desc nulls last, role_arn asc)
    / nullif(sum(instance_hours) over (), 0) as hour_share_up_to_here
from roles
order by instance_hours desc nulls last, role_arn asc
limit 20
