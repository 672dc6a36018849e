-- What did each team's training cost at list price last month, by how it ended, and what share of its hours is priced?
-- Metric M05.
select
    coalesce(c.team, 'no team') as team,
    sum(c.list_cost) as list_cost,
    sum(c.list_cost) filter (where c.training_job_status = 'Failed') as of_failed_jobs,
    sum(c.list_cost) filter (where c.training_job_status = 'Stopped') as of_stopped_jobs,
    sum(c.billed_instance_hours) as billed_instance_hours,
    sum(c.priced_instance_hours) / nullif(sum(c.billed_instance_hours), 0) as priced_share
from marts.list_costs_by_team_and_status_daily as c
cross join marts.build_info as b
where
    not c.is_prepaid
    and c.line = 'training'
    and date_trunc('month', c.date) = date_trunc('month', b.newest_observed_at) - interval 1 month
group by coalesce(c.team, 'no team')
order by list_cost desc nulls last, billed_instance_hours desc nulls last
