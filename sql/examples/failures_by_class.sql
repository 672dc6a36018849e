-- Why did jobs fail in the last 30 days on record, who can mend it, and how many GPU-hours did it cost?
-- Metric M16.
select
    j.failure_class,
    j.failure_actor,
    count(*) as jobs,
    count(*) / sum(count(*)) over () as job_share,
    sum(j.gpu_hours) as gpu_hours
from marts.fct_training_jobs as j
cross join marts.build_info as b
where j.training_job_status = 'Failed' and j.life_end_at >= b.newest_observed_at - interval 30 days
group by j.failure_class, j.failure_actor
order by jobs desc, failure_class asc
