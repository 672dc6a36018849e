-- Which jobs waited longer than an hour, or still do, how did they end, and which tell that capacity was short?
-- Metric M06.
with waits as (
    select
        training_job_arn,
        sum(duration_seconds) as queue_seconds
    from marts.fct_secondary_status_visits
    where phase = 'queue'
    group by training_job_arn
),

-- A status keeps its last message alone: that a job was short of capacity is often not told any more once it started.
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
    j.training_job_status,
    s.training_job_arn is not null as tells_of_capacity
from waits as w
inner join marts.fct_training_jobs as j on w.training_job_arn = j.training_job_arn
left join short_of_capacity as s on w.training_job_arn = s.training_job_arn
where w.queue_seconds > 3600
order by j.creation_time desc
limit 50
