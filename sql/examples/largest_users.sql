-- Which roles use the most instance-hours, and what share of all do the first few of them use together?
-- Metric M26.
select
    coalesce(owner, 'unknown') as role_arn,
    jobs,
    instance_hours,
    instance_hour_share,
    sum(instance_hour_share) over (order by instance_hours desc, owner asc nulls last) as share_up_to_here
from marts.instance_hours_by_owner
where owner_kind = 'role'
order by instance_hours desc, owner asc nulls last
limit 20
