-- What did the jobs that failed in the last 7 days on record cost at list price, by their class and team?
-- Metrics M05, M16.
select
    j.failure_class,
    coalesce(j.team, 'no team') as team,
    count(distinct j.training_job_arn) as failed_jobs,
    sum(c.list_cost) as list_cost,
    sum(c.billed_instance_hours) as billed_instance_hours,
    sum(c.priced_instance_hours) / nullif(sum(c.billed_instance_hours), 0) as priced_share
from marts.fct_training_jobs as j
cross join marts.build_info as b
-- What a job cost before these days was lost as well.
left join marts.fct_training_job_costs as c
    on j.training_job_arn = c.training_job_arn and c.line = 'training' and not c.is_prepaid
where j.training_job_status = 'Failed' and j.life_end_at >= b.newest_observed_at - interval 7 days
group by j.failure_class, coalesce(j.team, 'no team')
order by list_cost desc nulls last, billed_instance_hours desc nulls last
