-- One row: how long all jobs waited to start. Quantiles over started jobs alone are too low where jobs give up: the
-- Kaplan-Meier ones also count those, and the jobs that still wait (M06, M07).

select
    started_jobs,
    never_started_jobs,
    mean_seconds,
    p50_seconds,
    p90_seconds,
    p99_seconds,
    km_p50_seconds,
    km_p90_seconds,
    abandoned_seconds,
    is_small_sample
from staging.queue_waits
where scope = 'all'
