-- Where do jobs run for far less than they may, and where are they stopped by a limit that is too short?
-- Metric M24.
select
    instance_type,
    is_default_limit,
    sum(jobs) as jobs,
    sum(under_tenth_jobs) / sum(jobs) as under_tenth_share,
    sum(at_limit_jobs) / sum(jobs) as at_limit_share
from marts.limit_accuracy
group by instance_type, is_default_limit
order by jobs desc, instance_type asc, is_default_limit asc
