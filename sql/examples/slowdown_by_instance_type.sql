-- Where do jobs take much longer than they run, for having waited?
-- Metric M08.
select
    region,
    instance_type,
    is_spot,
    jobs,
    expansion_factor,
    p50_bounded_slowdown,
    p90_bounded_slowdown
from marts.slowdown
where jobs >= 20
order by p90_bounded_slowdown desc
