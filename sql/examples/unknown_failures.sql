-- Which failures does no rule know, so that a rule for them is worth writing?
-- Metric M16.
select
    last_failure_reason,
    jobs,
    instance_types,
    instance_hours,
    last_seen_at
from marts.failure_fingerprints
where failure_class = 'unknown'
order by jobs desc, last_seen_at desc
limit 20
