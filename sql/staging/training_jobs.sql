-- One row per training job: the newest version of its record under short names, with clean dimensions and the instant
-- at which it was last known to be so. An empty string of the API counts as absent.
-- @unique: training_job_arn
-- @check observed_after_creation: observed_at >= creation_time
-- @check instance_counts_not_negative: coalesce(instance_count, 0) >= 0 and coalesce(gpu_count, 0) >= 0

with instance_groups as (
    select
        g.training_job_arn,
        cast(sum(g.instance_count) as bigint) as instance_count,
        -- Unknown as a whole if it is for any group.
        case
            when count(*) = count(g.instance_count * t.gpus) then cast(sum(g.instance_count * t.gpus) as bigint)
        end as gpu_count
    from lake.resource_config_instance_groups as g
    left join reference.instance_types as t on g.instance_type = t.instance_type
    group by g.training_job_arn
),

last_transitions as (
    select
        training_job_arn,
        max(start_time) as last_transition_at
    from lake.secondary_status_transitions
    group by training_job_arn
)

select
    j.training_job_arn,
    j.account_id,
    j.region,
    j.training_job_name,
    nullif(j.tuning_job_arn, '') as tuning_job_arn,
    nullif(j.auto_ml_job_arn, '') as auto_ml_job_arn,
    nullif(j.labeling_job_arn, '') as labeling_job_arn,
    nullif(j.experiment_config_experiment_name, '') as experiment_name, -- Experiment it belongs to; null if none.
    nullif(j.role_arn, '') as role_arn,
    nullif(j.algorithm_specification_training_image, '') as training_image, -- Image it trains with; null if none.
    nullif(j.algorithm_specification_algorithm_name, '') as algorithm_name, -- Algorithm resource; null if none.
    nullif(j.resource_config_training_plan_arn, '') as training_plan_arn, -- Training plan that pays; null if none.
    case
        when g.training_job_arn is not null then 'heterogeneous'
        else coalesce(nullif(j.resource_config_instance_type, ''), 'unknown')
    end as instance_type, -- Instance type; `heterogeneous` if it has instance groups, `unknown` if none is named.
    t.instance_family, -- Instance family, as `p4d`; null if heterogeneous or not in reference.instance_types.
    t.gpu_model, -- Model of its GPUs; null if heterogeneous, unknown or without GPUs.
    case
        when g.training_job_arn is not null then g.instance_count
        else j.resource_config_instance_count
    end as instance_count, -- Instances, summed over instance groups; null if absent.
    case
        when g.training_job_arn is not null then g.gpu_count
        else j.resource_config_instance_count * t.gpus
    end as gpu_count, -- GPUs of all its instances; null, not 0, if the type or the count is unknown.
    coalesce(j.enable_managed_spot_training, false) as is_spot, -- Whether it runs on managed spot capacity.
    j.training_job_status,
    j.secondary_status,
    coalesce(
        j.training_job_status in ('Completed', 'Failed', 'Stopped'), false
    ) as is_ended, -- Whether its status is final: Completed, Failed or Stopped.
    nullif(j.failure_reason, '') as failure_reason,
    j.creation_time,
    j.training_start_time,
    j.training_end_time,
    j.last_modified_time,
    l.last_transition_at, -- Start of its last transition; null if it has none with a start.
    d.deleted_at, -- Instant (UTC) at which its source was first found not to have it any more; null if it has it.
    greatest(
        j.observed_at,
        -- Of a deleted job nobody knows how it went on after it was last seen.
        case when d.training_job_arn is null then s.last_complete_look_at end,
        j.last_modified_time, l.last_transition_at, j.creation_time
    ) as observed_at, -- Instant (UTC) up to which the record is known to hold: an open job is open until then.
    j.stopping_condition_max_runtime_in_seconds as max_runtime_in_seconds, -- Seconds it may run before it is stopped.
    j.training_time_in_seconds,
    j.billable_time_in_seconds,
    j.warm_pool_status_status as warm_pool_status, -- Status of the warm pool it left; null if it kept none.
    j.warm_pool_status_resource_retained_billable_time_in_seconds
        as warm_pool_billable_seconds -- Seconds of warm pool billed on top, for each instance; null while it is in use.
from lake.training_jobs as j
left join lake.sources as s on j.source = s.source
left join lake.deleted_training_jobs as d on j.training_job_arn = d.training_job_arn
left join last_transitions as l on j.training_job_arn = l.training_job_arn
left join instance_groups as g on j.training_job_arn = g.training_job_arn
left join reference.instance_types as t
    on case when g.training_job_arn is null then j.resource_config_instance_type end = t.instance_type
