-- For which instance types, and where, do jobs wait longest?
-- Metric M06.
select
    instance_type,
    is_spot,
    account_id,
    region,
    started_jobs,
    never_started_jobs,
    p50_seconds,
    p90_seconds,
    km_p50_seconds,
    km_p90_seconds,
    is_small_sample
from marts.queue_wait_by_instance_type
-- Where too few start for a Kaplan-Meier quantile, it is longer than any; where few jobs came at all it says little.
order by
    started_jobs + never_started_jobs < 20 asc,
    km_p90_seconds desc nulls first,
    km_p50_seconds desc nulls first
