-- One row per training job whose run is over and would have fitted a smaller instance type of its family: the most that
-- any of its instances used of vCPUs, memory, GPUs and GPU memory is at most nine tenths of what that type has. Only
-- where all of these were measured on every instance; what no measure tells of, such as Trainium, is no candidate.
-- Metric M35.
-- @incremental
-- @unique: training_job_arn
-- @check smaller: fitting_vcpus < vcpus

with peaks as (
    select
        training_job_arn,
        min(measured_hosts) as measured_hosts,
        min(coverage_share) as coverage_share,
        max(max_share) filter (where measure = 'cpu') as cpu_share,
        max(max_share) filter (where measure = 'memory') as memory_share,
        max(max_share) filter (where measure = 'gpu') as gpu_share,
        max(max_share) filter (where measure = 'gpu_memory') as gpu_memory_share
    from marts.fct_hardware_utilization
    where measure <> 'disk'
    group by training_job_arn
),

used as (
    select
        p.training_job_arn,
        p.coverage_share,
        t.instance_family,
        cast(t.vcpus as bigint) as vcpus,
        t.memory_gib,
        cast(t.gpus as bigint) as gpus,
        coalesce(t.gpu_memory_gib, 0) as gpu_memory_gib,
        p.cpu_share * t.vcpus as most_vcpus,
        p.memory_share * t.memory_gib as most_memory_gib,
        case when t.gpus = 0 then 0 else p.gpu_share * t.gpus end as most_gpus,
        case when t.gpus = 0 then 0 else p.gpu_memory_share * t.gpu_memory_gib end as most_gpu_memory_gib
    from peaks as p
    inner join staging.training_jobs as j on p.training_job_arn = j.training_job_arn
    inner join staging.training_job_lives as l on p.training_job_arn = l.training_job_arn
    inner join reference.instance_types as t on j.instance_type = t.instance_type
    where l.is_run_ended and p.measured_hosts = j.instance_count and coalesce(t.accelerators, 0) = 0
),

fitting as (
    select
        u.*,
        t.instance_type as fitting_instance_type,
        cast(t.vcpus as bigint) as fitting_vcpus
    from used as u
    inner join reference.instance_types as t on u.instance_family = t.instance_family
    where
        t.vcpus < u.vcpus
        and u.most_vcpus <= 0.9 * t.vcpus
        and u.most_memory_gib <= 0.9 * t.memory_gib
        and u.most_gpus <= 0.9 * t.gpus
        and u.most_gpu_memory_gib <= 0.9 * coalesce(t.gpu_memory_gib, 0)
    qualify
        row_number() over (
            partition by u.training_job_arn order by t.vcpus asc, t.gpus asc, t.memory_gib asc, t.instance_type asc
        ) = 1
)

select
    f.training_job_arn,
    j.training_job_name,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    j.role_arn,
    j.instance_count,
    l.instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of its run.
    f.vcpus, -- Virtual CPUs of an instance.
    f.most_vcpus, -- The most of them that an instance used.
    f.memory_gib, -- Memory of an instance, GiB.
    f.most_memory_gib, -- The most of it that an instance used.
    f.gpus, -- GPUs of an instance.
    f.most_gpus, -- The most that an instance used, in GPUs at full load.
    f.gpu_memory_gib, -- Memory of all GPUs of an instance, GiB; 0 without any.
    f.most_gpu_memory_gib, -- The most of it that an instance used.
    f.fitting_instance_type, -- Smallest type of its family that would have done.
    f.fitting_vcpus, -- Virtual CPUs of that type.
    f.coverage_share -- Least share of its time, and instances, of which any of these was measured.
from fitting as f
inner join staging.training_jobs as j on f.training_job_arn = j.training_job_arn
inner join staging.training_job_lives as l on f.training_job_arn = l.training_job_arn
