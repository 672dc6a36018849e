-- How many hours are billed for instances that warm pools keep between jobs, beside those of jobs, and at what cost?
-- Metric M05.
select
    instance_type,
    sum(billed_instance_hours) filter (where line = 'training') as training_instance_hours,
    sum(billed_instance_hours) filter (where line = 'warm_pool') as warm_pool_instance_hours,
    sum(list_cost) filter (where line = 'warm_pool') as warm_pool_list_cost
from marts.list_costs_daily
group by instance_type
having count(*) filter (where line = 'warm_pool') > 0
order by warm_pool_instance_hours desc nulls last
