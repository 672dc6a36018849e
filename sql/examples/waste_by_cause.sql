-- Where do instance-hours go that bring nothing, and how much of all hours is each cause?
-- Metric M20.
with fleet as (
    select sum(instance_hours) as instance_hours
    from marts.utilization_daily
)

select
    w.waste,
    w.cause,
    sum(w.jobs) as jobs,
    sum(w.wasted_instance_hours) as wasted_instance_hours,
    sum(w.wasted_instance_hours) / nullif(min(f.instance_hours), 0) as wasted_share,
    sum(w.user_stopped_instance_hours) as user_stopped_instance_hours
from marts.wasted_instance_hours as w
cross join fleet as f
group by w.waste, w.cause
order by wasted_instance_hours desc
