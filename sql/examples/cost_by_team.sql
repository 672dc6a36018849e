-- What did each team's jobs that ended last month cost at list price, and what share of their hours has a price?
-- Metric M05.
with prices as (
    select
        date_trunc('month', date) as month,
        account_id,
        region,
        instance_type,
        is_spot,
        sum(list_cost) / nullif(sum(priced_instance_hours), 0) as price_per_hour
    from marts.list_costs_daily
    where line = 'training' and not is_prepaid
    group by date_trunc('month', date), account_id, region, instance_type, is_spot
)

select
    coalesce(t.value, 'no team') as team,
    count(*) as jobs,
    sum(j.billable_instance_hours) as billed_instance_hours,
    sum(j.billable_instance_hours) filter (where p.price_per_hour is not null)
    / nullif(sum(j.billable_instance_hours), 0) as priced_share,
    sum(j.billable_instance_hours * p.price_per_hour) as list_cost
from marts.fct_training_jobs as j
cross join marts.build_info as b
left join lake.tags as t on j.training_job_arn = t.training_job_arn and t.key = 'team'
left join prices as p
    on
        date_trunc('month', j.life_end_at) = p.month
        and j.account_id = p.account_id
        and j.region = p.region
        and j.instance_type = p.instance_type
        and j.is_spot = p.is_spot
where
    j.is_ended
    and j.training_plan_arn is null
    and date_trunc('month', j.life_end_at) = date_trunc('month', b.newest_observed_at) - interval 1 month
group by coalesce(t.value, 'no team')
order by list_cost desc nulls last, billed_instance_hours desc nulls last
