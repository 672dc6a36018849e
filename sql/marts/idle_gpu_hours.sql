-- One row per team and instance type of jobs whose GPUs CloudWatch measured: the GPU-hours that they held, and those in
-- which the GPUs of an instance idled, used less than 5 %. Jobs of unknown GPUs are left out. Metric M33.
-- @unique: team, instance_type
-- @check idle_hours_are_measured: idle_gpu_hours <= measured_gpu_hours * 1.000001

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
),

totals as (
    select
        t.team,
        l.instance_type,
        count(*) as jobs,
        count(m.training_job_arn) as measured_jobs,
        cast(sum(l.gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(m.measured_gpu_microseconds) as decimal(38, 0)) as measured_gpu_microseconds,
        cast(sum(m.idle_gpu_microseconds) as decimal(38, 0)) as idle_gpu_microseconds,
        sum(m.used_gpu_microseconds) as used_gpu_microseconds
    from staging.training_job_lives as l
    left join measured as m on l.training_job_arn = m.training_job_arn
    left join staging.teams as t on l.training_job_arn = t.training_job_arn
    where l.gpu_microseconds > 0
    group by t.team, l.instance_type
)

select
    team, -- Team of the jobs, by their tag `team`; null if unknown.
    instance_type,
    jobs, -- Jobs that ran on GPUs.
    measured_jobs, -- Those of them whose GPUs were measured.
    gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of their runs.
    measured_gpu_microseconds / 3.6e9 as measured_gpu_hours, -- GPU-hours that were measured.
    measured_gpu_microseconds / gpu_microseconds as coverage_share, -- Share of the GPU-hours that were measured.
    idle_gpu_microseconds / 3.6e9 as idle_gpu_hours, -- Measured GPU-hours in which an instance used less than 5 %.
    idle_gpu_microseconds / measured_gpu_microseconds as idle_share, -- Their share in what was measured.
    (measured_gpu_microseconds - used_gpu_microseconds) / 3.6e9
        as unused_gpu_hours, -- Measured GPU-hours less what was used of them: 1 hour at 30 % leaves 0.7.
    used_gpu_microseconds / measured_gpu_microseconds as mean_share -- Mean share of the GPUs in use.
from totals
where measured_gpu_microseconds > 0
