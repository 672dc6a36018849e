-- What share of the instance-hours was productive, month by month, at least and at most?
-- Metric M19.
select
    date as month,
    sum(chains) as chains,
    sum(retries) as retries,
    sum(instance_hours) as instance_hours,
    sum(productive_instance_hours_low) / nullif(sum(instance_hours), 0) as goodput_low,
    sum(productive_instance_hours_high) / nullif(sum(instance_hours), 0) as goodput_high
from marts.goodput_monthly
group by date
order by month asc
