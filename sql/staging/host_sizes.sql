-- One row per training job: what each of its instances has. Null where its instance groups differ in it, for no record
-- tells which host is of which group; of GPUs those without any do not count, for they are not measured there.
-- @incremental
-- @unique: training_job_arn

with types as (
    select
        training_job_arn,
        instance_type
    from staging.training_jobs
    where instance_type <> 'heterogeneous'
    union all
    select
        training_job_arn,
        instance_type
    from staging.instance_groups
    where instance_count is null or instance_count > 0
),

sizes as (
    select
        j.training_job_arn,
        cast(t.vcpus as bigint) as vcpus,
        t.gpus,
        cast(nullif(t.gpus, 0) as bigint) as gpus_if_any
    from types as j
    left join reference.instance_types as t on j.instance_type = t.instance_type
)

select
    training_job_arn,
    case
        when count(*) = count(vcpus) and min(vcpus) = max(vcpus) then max(vcpus)
    end as host_vcpus, -- Virtual CPUs of each instance; null if not known, or not the same for all.
    case
        when count(*) = count(gpus) and min(gpus_if_any) = max(gpus_if_any) then max(gpus_if_any)
    end as host_gpus -- GPUs of each instance that has some; null if none has, not known, or not the same for all.
from sizes
group by training_job_arn
