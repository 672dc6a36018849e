-- What do spot interruptions cost: how many hours were run again, of how many, and against what was saved?
-- Metrics M20, M22.
with interrupted as (
    select
        instance_type,
        sum(wasted_instance_hours) as superseded_instance_hours
    from marts.wasted_instance_hours
    where is_spot and waste = 'superseded_attempts'
    group by instance_type
),

spot as (
    select
        instance_type,
        sum(interruptions) as interruptions,
        sum(instance_hours) as instance_hours,
        sum(trained_instance_hours) - sum(billed_instance_hours) as saved_instance_hours
    from marts.spot_savings_monthly
    group by instance_type
)

select
    s.instance_type,
    s.interruptions,
    s.instance_hours,
    i.superseded_instance_hours,
    s.saved_instance_hours
from spot as s
left join interrupted as i on s.instance_type = i.instance_type
where s.interruptions > 0
order by i.superseded_instance_hours desc nulls last, s.instance_type asc
