-- Which tuning jobs used the most hours, how many of their children completed, and how long did all of it take?
-- Metric M23.
select
    tuning_job_arn,
    count(*) as jobs,
    count(*) filter (where training_job_status = 'Completed') as completed_jobs,
    count(*) filter (where training_job_status = 'Failed') as failed_jobs,
    count(*) filter (where training_job_status = 'Stopped') as stopped_jobs,
    sum(instance_hours) as instance_hours,
    (max(epoch_us(life_end_at)) - min(epoch_us(creation_time))) / 3.6e9 as makespan_hours
from marts.fct_training_jobs
where tuning_job_arn is not null
group by tuning_job_arn
order by instance_hours desc nulls last
limit 20
