-- How long do jobs of each size run before they fail, and before the infrastructure fails them?
-- Metric M18.
select
    size_bucket,
    failure_scope,
    failures,
    node_days,
    failures_per_1000_node_days,
    failures_per_1000_node_days_low,
    failures_per_1000_node_days_high,
    mttf_node_hours,
    failures_per_1000_ended_node_days
from marts.failures_per_node_days
order by failure_scope asc, size_bucket asc
