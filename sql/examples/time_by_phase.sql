-- Where does the time of jobs go: how much of their lifetime do they queue, set up, run and save?
-- Metric M12.
select
    instance_type,
    phase,
    sum(seconds) / 3600 as hours,
    sum(seconds) / nullif(sum(sum(seconds)) over (partition by instance_type), 0) as lifetime_share
from marts.secondary_status_time
group by instance_type, phase
order by instance_type asc, hours desc
