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
    km_p90_seconds
from marts.queue_wait_by_instance_type
where not is_small_sample
-- Where too few start for a Kaplan-Meier quantile, it is longer than any.
order by km_p90_seconds desc nulls first, km_p50_seconds desc nulls first
