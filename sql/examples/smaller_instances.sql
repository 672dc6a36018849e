-- Whose jobs would have fitted smaller instances, which ones, and how many instance-hours did they take?
-- Metric M35.
select
    role_arn,
    instance_type,
    fitting_instance_type,
    count(*) as jobs,
    sum(instance_hours) as instance_hours,
    max(most_memory_gib) as most_memory_gib,
    max(most_gpus) as most_gpus,
    min(coverage_share) as least_coverage_share
from marts.right_sizing_candidates
group by role_arn, instance_type, fitting_instance_type
order by instance_hours desc nulls last
limit 20
