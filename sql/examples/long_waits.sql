-- Which jobs waited longer than an hour for capacity, or still do, and how did they end?
-- Metric M06.
with waits as (
    select
        training_job_arn,
        sum(duration_seconds) as queue_seconds
    from marts.fct_secondary_status_visits
    where phase = 'queue'
    group by training_job_arn
),

short_of_capacity as (
    select distinct training_job_arn
    from lake.secondary_status_transitions
    where lower(status_message) like '%capacity%'
)

select
    j.training_job_name,
    j.instance_type,
    j.instance_count,
    j.is_spot,
    j.creation_time,
    w.queue_seconds / 3600 as queue_hours,
    j.is_started,
    j.training_job_status
from waits as w
inner join short_of_capacity as s on w.training_job_arn = s.training_job_arn
inner join marts.fct_training_jobs as j on w.training_job_arn = j.training_job_arn
where w.queue_seconds > 3600
order by j.creation_time desc
limit 50
