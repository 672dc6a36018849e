-- What did jobs that ended in the last 30 days use, and cost at list price, by the 20 dearest values of each tag?
-- Metrics M03, M05.
with costs as (
    select
        training_job_arn,
        sum(list_cost) as list_cost,
        sum(billed_instance_hours) as billed_instance_hours,
        sum(priced_instance_hours) as priced_instance_hours
    from marts.fct_training_job_costs
    where line = 'training' and not is_prepaid
    group by training_job_arn
)

select
    t.key as tag,
    t.value,
    count(*) as jobs,
    sum(j.instance_hours) as instance_hours,
    sum(j.gpu_hours) as gpu_hours,
    sum(c.list_cost) as list_cost,
    -- A job counts for each of its tags: of one tag at a time the hours and costs may be added up.
    sum(c.priced_instance_hours) / nullif(sum(c.billed_instance_hours), 0) as priced_share
from marts.fct_training_jobs as j
inner join lake.tags as t on j.training_job_arn = t.training_job_arn
left join costs as c on j.training_job_arn = c.training_job_arn
cross join marts.build_info as b
where j.is_ended and j.life_end_at >= b.newest_observed_at - interval 30 days
group by t.key, t.value
-- A tag may have a value of its own for each job.
qualify
    row_number() over (
        partition by t.key
        order by sum(c.list_cost) desc nulls last, sum(j.instance_hours) desc nulls last, t.value asc
    ) <= 20
order by tag asc, list_cost desc nulls last, instance_hours desc nulls last
