-- For which instance types do jobs give up before they start, and how long had they waited?
-- Metric M07.
select
    instance_type,
    is_spot,
    count(*) as jobs,
    count(*) filter (where is_never_started) as never_started_jobs,
    sum(lifetime_seconds) filter (where is_never_started) / 3600 as abandoned_hours,
    median(lifetime_seconds) filter (where is_never_started) as median_abandoned_seconds
from marts.fct_training_jobs
group by instance_type, is_spot
having count(*) filter (where is_never_started) > 0
order by abandoned_hours desc, instance_type asc, is_spot asc
