-- How much of the capacity that we have do jobs use, month by month, and how many hours of it stand idle?
-- Metric M11.
select
    cast(date_trunc('month', date) as date) as month,
    instance_type,
    sum(capacity_instance_hours) as capacity_instance_hours,
    sum(instance_hours) as instance_hours,
    sum(instance_hours) / nullif(sum(capacity_instance_hours), 0) as utilization,
    sum(greatest(capacity_instance_hours - instance_hours, 0)) as idle_instance_hours
from marts.capacity_utilization_daily
group by cast(date_trunc('month', date) as date), instance_type
order by month asc, idle_instance_hours desc
