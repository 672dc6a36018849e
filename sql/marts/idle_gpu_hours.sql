-- One row per team and instance type of jobs whose GPUs CloudWatch measured: the GPU-hours that they held, and those in
-- which the GPUs of an instance idled, used less than 5 %. Jobs of unknown GPUs are left out. Metric M33.
-- @unique: team, instance_type
-- @check idle_hours_are_measured: idle_gpu_hours <= measured_gpu_hours * 1.000001

with totals as (
    select
        team,
        instance_type,
        cast(sum(jobs) as bigint) as jobs,
        cast(sum(measured_jobs) as bigint) as measured_jobs,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(measured_gpu_microseconds) as decimal(38, 0)) as measured_gpu_microseconds,
        cast(sum(idle_gpu_microseconds) as decimal(38, 0)) as idle_gpu_microseconds,
        sum(used_gpu_microseconds) as used_gpu_microseconds
    from staging.measured_gpu_times
    group by team, instance_type
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
