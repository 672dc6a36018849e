-- How long do jobs spend in Downloading, by instance type: in the median, and at the 95th percentile?
-- Metric M12.
with downloads as (
    select
        training_job_arn,
        instance_type,
        sum(duration_seconds) as seconds
    from marts.fct_secondary_status_visits
    where secondary_status = 'Downloading'
    group by training_job_arn, instance_type
)

select
    instance_type,
    count(*) as jobs,
    median(seconds) as median_seconds,
    quantile_cont(seconds, 0.95) as p95_seconds
from downloads
group by instance_type
order by p95_seconds desc
