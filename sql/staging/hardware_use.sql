-- One row per training job, host, measure (`gpu`, `gpu_memory`, `cpu`, `memory` or `disk`) and period that CloudWatch
-- measured while the job ran: what share of all that the host has was in use. Values are percent of one GPU or vCPU, so
-- they are divided by how many the host has; where that is not known, there is no row.
-- @incremental
-- @unique: training_job_arn, host, measure, period_start
-- @check time_is_within_the_period: measured_microseconds between 1 and period_seconds * 1000000

with measured as (
    select
        m.training_job_arn,
        m.host,
        m.period_start,
        m.period_seconds,
        m.value,
        -- Told by another answer than the mean, of less of the period it may be below it.
        greatest(m.maximum, m.value) as maximum,
        case m.metric_name
            when 'GPUUtilization' then 'gpu'
            when 'GPUMemoryUtilization' then 'gpu_memory'
            when 'CPUUtilization' then 'cpu'
            when 'MemoryUtilization' then 'memory'
            when 'DiskUtilization' then 'disk'
        end as measure,
        case
            when m.metric_name in ('GPUUtilization', 'GPUMemoryUtilization') then s.host_gpus
            when m.metric_name = 'CPUUtilization' then s.host_vcpus
            else 1
        end as devices,
        greatest(m.period_start, l.started_at) as begin_at,
        least(m.period_start + interval 1 second * m.period_seconds, l.run_end_at) as end_at
    from lake.hardware_metrics as m
    inner join staging.training_job_lives as l on m.training_job_arn = l.training_job_arn
    inner join staging.host_sizes as s on m.training_job_arn = s.training_job_arn
    where l.is_started
)

select
    training_job_arn,
    host, -- Instance of the job, as `algo-1`.
    measure, -- What of it: `gpu`, `gpu_memory`, `cpu`, `memory` or `disk`.
    period_start,
    period_seconds,
    epoch_us(end_at) - epoch_us(begin_at) as measured_microseconds, -- Microseconds of the period in which the job ran.
    value / (100 * devices) as used_share, -- Mean share in use (0 to 1).
    maximum / (100 * devices) as most_used_share -- Greatest share in use (0 to 1), as far as periods tell it.
from measured
where measure is not null and value is not null and devices is not null and end_at > begin_at
