-- What does training cost at list price each month, how does that change, and what share of the hours has a price?
-- Metric M05.
with months as (
    select
        date as month,
        sum(billed_instance_hours) as billed_instance_hours,
        sum(priced_instance_hours) as priced_instance_hours,
        sum(list_cost) as list_cost
    from marts.list_costs_monthly
    where not is_prepaid
    group by date
)

select
    month,
    billed_instance_hours,
    priced_instance_hours / nullif(billed_instance_hours, 0) as priced_share,
    list_cost,
    list_cost / nullif(lag(list_cost) over (order by month), 0) - 1 as list_cost_change
from months
order by month asc
