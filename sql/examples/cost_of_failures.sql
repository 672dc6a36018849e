-- What did the failures of the last 7 days on record cost at list price, by their class and team?
-- Metrics M05, M16.
select
    c.failure_class,
    coalesce(c.team, 'no team') as team,
    sum(c.list_cost) as list_cost,
    sum(c.billed_instance_hours) as billed_instance_hours,
    sum(c.priced_instance_hours) / nullif(sum(c.billed_instance_hours), 0) as priced_share
from marts.list_costs_by_team_and_status_daily as c
cross join marts.build_info as b
where
    c.training_job_status = 'Failed'
    and not c.is_prepaid
    and c.date > cast(b.newest_observed_at as date) - interval 7 day
group by c.failure_class, coalesce(c.team, 'no team')
order by list_cost desc nulls last, billed_instance_hours desc nulls last
