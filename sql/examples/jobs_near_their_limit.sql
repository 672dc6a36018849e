-- Which jobs ran for more than 90 % of the time that they may, were they stopped for it, and which still run?
-- Metric M24.
with runs as (
    select
        training_job_name,
        role_arn,
        instance_type,
        training_job_status,
        secondary_status,
        started_at,
        max_runtime_in_seconds / 3600 as limit_hours,
        (epoch_us(run_end_at) - epoch_us(started_at)) / 1e6 / nullif(max_runtime_in_seconds, 0) as limit_share
    from marts.fct_training_jobs
    where is_started
)

select
    training_job_name,
    role_arn,
    instance_type,
    limit_hours,
    limit_share,
    training_job_status,
    secondary_status
from runs
where limit_share > 0.9
order by started_at desc
limit 50
