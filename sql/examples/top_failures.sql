-- Which failures cost the most GPU-hours, who can mend them, and do they grow or fade?
-- Metric M17.
select
    failure_class,
    failure_actor,
    left(masked_reason, 100) as masked_reason,
    jobs,
    instance_hours,
    gpu_hours,
    last_seen_at,
    jobs_last_28_days,
    jobs_previous_28_days
from marts.failure_fingerprints
order by gpu_hours desc nulls last, instance_hours desc nulls last
limit 20
