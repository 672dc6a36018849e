-- One row per training job whose GPUs idle: for at least half of the time that CloudWatch measured, less than 5 % of
-- them was in use. Metric M34.
-- @incremental
-- @unique: training_job_arn
-- @check idle_for_half_of_the_time: idle_share between 0.5 and 1

select
    u.training_job_arn,
    u.training_job_name,
    u.account_id,
    u.region,
    u.instance_type,
    u.is_spot,
    u.team,
    j.role_arn,
    j.training_job_status,
    u.instance_count,
    j.gpu_count,
    l.gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of its run.
    u.idle_gpu_hours,
    u.idle_share,
    u.mean_share,
    u.p95_share,
    u.coverage_share
from marts.fct_hardware_utilization as u
inner join staging.training_jobs as j on u.training_job_arn = j.training_job_arn
inner join staging.training_job_lives as l on u.training_job_arn = l.training_job_arn
where u.measure = 'gpu' and u.idle_share >= 0.5
