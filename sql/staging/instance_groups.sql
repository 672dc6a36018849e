-- One row per instance group of a heterogeneous training job. A count that no cluster has (negative, above a million)
-- is as absent.
-- @incremental
-- @unique: training_job_arn, group_index
-- @check counts_not_negative: coalesce(instance_count, 0) >= 0 and coalesce(gpu_count, 0) >= 0

with groups as (
    select
        training_job_arn,
        index as group_index,
        coalesce(nullif(instance_type, ''), 'unknown') as instance_type,
        case when instance_count between 0 and 1000000 then instance_count end as instance_count
    from lake.resource_config_instance_groups
)

select
    g.training_job_arn,
    g.group_index, -- Position of the group in its job, from 0.
    g.instance_type, -- Instance type of the group; `unknown` if none is named.
    g.instance_count, -- Instances of the group; null if unknown.
    g.instance_count * t.gpus as gpu_count -- GPUs of the group; null, not 0, if the type or the count is unknown.
from groups as g
left join reference.instance_types as t on g.instance_type = t.instance_type
