-- One row per month of creation, team and instance type of jobs with GPUs: the time that they held these, and how busy
-- they were where CloudWatch measured them.
-- @incremental
-- @unique: created_month, team, instance_type

with measured as (
    select
        u.training_job_arn,
        cast(sum(u.measured_microseconds * s.host_gpus) as decimal(38, 0)) as measured_gpu_microseconds,
        cast(
            coalesce(sum(u.measured_microseconds * s.host_gpus) filter (where u.used_share < 0.05), 0)
            as decimal(38, 0)
        ) as idle_gpu_microseconds,
        sum(u.measured_microseconds * s.host_gpus * u.used_share) as used_gpu_microseconds
    from staging.hardware_use as u
    inner join staging.host_sizes as s on u.training_job_arn = s.training_job_arn
    where u.measure = 'gpu'
    group by u.training_job_arn
)

select
    l.created_month,
    t.team,
    l.instance_type,
    count(*) as jobs, -- Jobs that ran on GPUs.
    count(m.training_job_arn) as measured_jobs, -- Those of them whose GPUs were measured.
    cast(sum(l.gpu_microseconds) as decimal(38, 0)) as gpu_microseconds, -- Run times GPUs.
    cast(
        sum(m.measured_gpu_microseconds) as decimal(38, 0)
    ) as measured_gpu_microseconds, -- That of it that was measured.
    cast(
        sum(m.idle_gpu_microseconds) as decimal(38, 0)
    ) as idle_gpu_microseconds, -- Measured time in which an instance used less than 5 %.
    sum(m.used_gpu_microseconds) as used_gpu_microseconds -- Measured time, times the share of the GPUs in use.
from staging.training_job_lives as l
left join measured as m on l.training_job_arn = m.training_job_arn
left join staging.teams as t on l.training_job_arn = t.training_job_arn
where l.gpu_microseconds > 0
group by l.created_month, t.team, l.instance_type
