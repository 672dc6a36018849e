-- Who or what stops jobs, and how many hours had they run?
-- Metric M15.
select
    stop_cause,
    sum(jobs) as jobs,
    sum(jobs) / sum(sum(jobs)) over () as job_share,
    sum(never_started_jobs) as never_started_jobs,
    sum(instance_hours) as instance_hours
from marts.stop_causes
group by stop_cause
order by jobs desc
