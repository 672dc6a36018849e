-- Which instance types keep jobs waiting, and do spot jobs wait longer?
-- Metric M06.
select
    instance_type,
    is_spot,
    count(*) as started_jobs,
    median(queue_wait_seconds) as median_seconds,
    quantile_cont(queue_wait_seconds, 0.9) as p90_seconds
from marts.fct_training_jobs
where is_started
group by instance_type, is_spot
order by p90_seconds desc, instance_type asc, is_spot asc
