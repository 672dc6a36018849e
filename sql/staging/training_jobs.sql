-- One row per training job: the newest version of its record under short names, with clean dimensions and the instant
-- at which it was last known to be so. Absent is what the API leaves empty, and what cannot be: a count that no cluster
-- has (negative, above a million), seconds that no job trains or is billed (negative, above a billion), an instant more
-- than a day after the record was seen.
-- @incremental
-- @unique: training_job_arn
-- @check observed_after_creation: observed_at >= creation_time
-- @check instance_counts_not_negative: coalesce(instance_count, 0) >= 0 and coalesce(gpu_count, 0) >= 0

with instance_groups as (
    select
        training_job_arn,
        -- Unknown as a whole if it is for any group.
        case when count(*) = count(instance_count) then cast(sum(instance_count) as bigint) end as instance_count,
        case when count(*) = count(gpu_count) then cast(sum(gpu_count) as bigint) end as gpu_count
    from staging.instance_groups
    group by training_job_arn
),

last_seen as (
    select
        j.training_job_arn,
        k.deleted_at,
        greatest(j.observed_at, k.last_complete_look_at, j.creation_time) as seen_at
    from lake.training_jobs as j
    left join build.job_looks as k on j.training_job_arn = k.training_job_arn
),

looks as (
    select
        training_job_arn,
        deleted_at,
        seen_at,
        seen_at + interval 1 day as horizon_at
    from last_seen
),

last_transitions as (
    select
        t.training_job_arn,
        max(case when t.start_time <= k.horizon_at then t.start_time end) as last_transition_at,
        max(greatest(t.start_time, t.end_time)) as last_told_at
    from lake.secondary_status_transitions as t
    inner join looks as k on t.training_job_arn = k.training_job_arn
    group by t.training_job_arn
),

jobs as (
    select
        j.training_job_arn,
        k.deleted_at,
        k.seen_at,
        k.horizon_at,
        l.last_transition_at,
        case when j.training_start_time <= k.horizon_at then j.training_start_time end as training_start_time,
        case when j.training_end_time <= k.horizon_at then j.training_end_time end as training_end_time,
        case when j.last_modified_time <= k.horizon_at then j.last_modified_time end as last_modified_time,
        coalesce(
            greatest(j.training_start_time, j.training_end_time, j.last_modified_time, l.last_told_at) > k.horizon_at,
            false
        ) as has_future_times,
        case
            when j.resource_config_instance_count between 0 and 1000000 then j.resource_config_instance_count
        end as instance_count
    from lake.training_jobs as j
    inner join looks as k on j.training_job_arn = k.training_job_arn
    left join last_transitions as l on j.training_job_arn = l.training_job_arn
)

select
    r.training_job_arn,
    r.account_id,
    r.region,
    r.source, -- Where its record was last received from, as the lake has it.
    r.month as created_month, -- Month of its creation (UTC), `YYYY-MM`.
    r.training_job_name,
    nullif(r.tuning_job_arn, '') as tuning_job_arn,
    nullif(r.auto_ml_job_arn, '') as auto_ml_job_arn,
    nullif(r.labeling_job_arn, '') as labeling_job_arn,
    nullif(r.experiment_config_experiment_name, '') as experiment_name, -- Experiment it belongs to; null if none.
    nullif(r.role_arn, '') as role_arn,
    nullif(r.algorithm_specification_training_image, '') as training_image, -- Image it trains with; null if none.
    nullif(r.algorithm_specification_algorithm_name, '') as algorithm_name, -- Algorithm resource; null if none.
    nullif(r.resource_config_training_plan_arn, '') as training_plan_arn, -- Training plan that pays; null if none.
    case
        when g.training_job_arn is not null then 'heterogeneous'
        else coalesce(nullif(r.resource_config_instance_type, ''), 'unknown')
    end as instance_type, -- Instance type; `heterogeneous` if it has instance groups, `unknown` if none is named.
    t.instance_family, -- Instance family, as `p4d`; null if heterogeneous or not in reference.instance_types.
    t.gpu_model, -- Model of its GPUs; null if heterogeneous, unknown or without GPUs.
    case
        when g.training_job_arn is not null then g.instance_count else j.instance_count
    end as instance_count, -- Instances, summed over instance groups; null if unknown.
    case
        when g.training_job_arn is not null then g.gpu_count else j.instance_count * t.gpus
    end as gpu_count, -- GPUs of all its instances; null, not 0, if the type or the count is unknown.
    coalesce(r.enable_managed_spot_training, false) as is_spot, -- Whether it runs on managed spot capacity.
    r.training_job_status,
    r.secondary_status,
    coalesce(
        r.training_job_status in ('Completed', 'Failed', 'Stopped'), false
    ) as is_ended, -- Whether its status is final: Completed, Failed or Stopped.
    nullif(r.failure_reason, '') as failure_reason,
    r.creation_time,
    j.training_start_time, -- Start of Downloading (UTC); null if absent, or later than could be seen.
    j.training_end_time, -- End of Uploading (UTC); null if absent, or later than could be seen.
    j.last_modified_time, -- Instant (UTC) of the record's last change; null if absent, or later than could be seen.
    j.last_transition_at, -- Start of its last transition; null if it has none with a start.
    j.deleted_at, -- Instant (UTC) at which its source was first found not to have it any more; null if it has it.
    greatest(
        j.seen_at, j.last_modified_time, j.last_transition_at
    ) as observed_at, -- Instant (UTC) up to which the record is known to hold: an open job is open until then.
    j.horizon_at, -- A day after it was seen: later instants of the record cannot be (but clocks may differ).
    j.has_future_times, -- Whether the record tells of instants beyond that, which are disregarded.
    r.stopping_condition_max_runtime_in_seconds as max_runtime_in_seconds, -- Seconds it may run before it is stopped.
    case
        when r.training_time_in_seconds between 0 and 1000000000 then r.training_time_in_seconds
    end as training_time_in_seconds, -- Seconds that it trained, as the record tells; null if unknown.
    case
        when r.billable_time_in_seconds between 0 and 1000000000 then r.billable_time_in_seconds
    end as billable_time_in_seconds, -- Seconds billed for each instance; null if unknown.
    r.warm_pool_status_status as warm_pool_status, -- Status of the warm pool it left; null if it kept none.
    case
        when r.warm_pool_status_resource_retained_billable_time_in_seconds between 0 and 1000000000
            then r.warm_pool_status_resource_retained_billable_time_in_seconds
    end as warm_pool_billable_seconds -- Seconds of warm pool billed on top, for each instance; null while it is in use.
from lake.training_jobs as r
inner join jobs as j on r.training_job_arn = j.training_job_arn
left join instance_groups as g on r.training_job_arn = g.training_job_arn
left join reference.instance_types as t
    on case when g.training_job_arn is null then r.resource_config_instance_type end = t.instance_type
