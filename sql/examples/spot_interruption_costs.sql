-- What do spot interruptions cost: how many hours had the attempts run that they ended, and against what was saved?
-- Metrics M20, M22.
with attempts as (
    select
        training_job_arn,
        attempt,
        bool_or(secondary_status = 'Interrupted') as is_interrupted,
        -- An upper bound: what a checkpoint kept is not run again.
        sum(duration_seconds) filter (where phase in ('setup', 'run', 'save')) as seconds
    from marts.fct_secondary_status_visits
    group by training_job_arn, attempt
),

interrupted as (
    select
        j.instance_type,
        count(*) as interruptions,
        sum(a.seconds * j.instance_count) / 3600 as interrupted_instance_hours
    from attempts as a
    inner join marts.fct_training_jobs as j on a.training_job_arn = j.training_job_arn
    where a.is_interrupted and j.is_spot
    group by j.instance_type
),

spot as (
    select
        instance_type,
        sum(instance_hours) as instance_hours,
        sum(trained_instance_hours) - sum(billed_instance_hours) as saved_instance_hours
    from marts.spot_savings_monthly
    group by instance_type
)

select
    i.instance_type,
    i.interruptions,
    i.interrupted_instance_hours,
    s.instance_hours,
    s.saved_instance_hours
from interrupted as i
inner join spot as s on i.instance_type = s.instance_type
order by i.interrupted_instance_hours desc nulls last, i.instance_type asc
