-- How long do jobs run on each instance type, counting those that still run?
-- Metric M25.
select
    instance_type,
    ended_runs,
    open_runs,
    p50_seconds / 3600 as p50_hours,
    km_p50_seconds / 3600 as km_p50_hours,
    km_p90_seconds / 3600 as km_p90_hours
from marts.run_time_by_instance_type
order by km_p50_hours desc nulls last
