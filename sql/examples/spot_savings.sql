-- What does spot capacity save, month by month, and how often does it interrupt?
with interruptions as (
    select
        training_job_arn,
        count(*) as interruptions
    from marts.fct_secondary_status_visits
    where secondary_status = 'Interrupted'
    group by training_job_arn
)

select
    date_trunc('month', j.life_end_at) as month,
    count(*) as spot_jobs,
    -- Weighted by instances: a mean of the jobs' own savings would count the small ones as much as the large.
    1 - sum(j.billable_seconds * j.instance_count)
    / nullif(sum(j.training_time_in_seconds * j.instance_count), 0) as saved_share,
    coalesce(sum(i.interruptions), 0) as interruptions,
    1000 * coalesce(sum(i.interruptions), 0) / nullif(sum(j.instance_hours), 0) as interruptions_per_1000_instance_hours
from marts.fct_training_jobs as j
left join interruptions as i on j.training_job_arn = i.training_job_arn
where j.is_spot and j.is_ended and j.is_started and j.billable_seconds is not null
group by date_trunc('month', j.life_end_at)
order by month asc
