-- One row per training job: what it was, how it ended, how long it waited and ran, what it used and why it failed.
-- Hours of an open job go up to observed_at.
-- @incremental
-- @unique: training_job_arn
-- @check seconds_not_negative: coalesce(queue_wait_seconds, 0) >= 0 and coalesce(run_seconds, 0) >= 0
-- @check hours_not_negative: coalesce(instance_hours, 0) >= 0 and coalesce(gpu_hours, 0) >= 0
-- @check open_or_ended: is_open <> is_ended
-- @check failed_jobs_have_a_class: (failure_class is not null) = (training_job_status is not distinct from 'Failed')

select
    j.training_job_arn,
    j.training_job_name,
    j.account_id,
    j.region,
    j.tuning_job_arn,
    j.auto_ml_job_arn,
    j.labeling_job_arn,
    j.experiment_name,
    j.role_arn,
    t.team,
    j.training_image,
    j.algorithm_name,
    j.training_plan_arn,
    j.instance_type,
    j.instance_family,
    j.gpu_model,
    j.instance_count,
    j.gpu_count,
    j.is_spot,
    j.training_job_status,
    j.secondary_status,
    j.creation_time,
    j.training_start_time,
    j.training_end_time,
    j.last_modified_time,
    j.observed_at,
    j.has_future_times,
    l.started_at,
    l.run_end_at,
    l.life_end_at,
    l.is_started,
    j.is_ended,
    not j.is_ended as is_open, -- Whether it had not ended when last seen.
    l.is_never_started,
    j.deleted_at is not null as is_deleted, -- Whether its source no longer has it: the record is the last one seen.
    j.deleted_at,
    l.wait_microseconds / 1e6 as queue_wait_seconds, -- Seconds from creation to start; null if it has not started.
    case
        when l.is_run_ended then l.run_microseconds / 1e6
    end as run_seconds, -- Seconds from start to run end; null unless it has started and its run has ended.
    l.lifetime_microseconds / 1e6 as lifetime_seconds, -- Seconds from creation to life end.
    j.training_time_in_seconds,
    j.max_runtime_in_seconds,
    j.billable_time_in_seconds as billable_seconds, -- Seconds billed for each instance; null if the record has none.
    j.warm_pool_status,
    j.warm_pool_billable_seconds,
    l.instance_microseconds / 3.6e9 as instance_hours, -- Run hours times instances; 0 if not started, null if unknown.
    l.gpu_microseconds / 3.6e9 as gpu_hours, -- Run hours times GPUs; 0 if not started, null if they are unknown.
    l.billable_instance_microseconds / 3.6e9
        as billable_instance_hours, -- Billed hours times instances; null if either is unknown.
    j.failure_reason,
    case
        when j.training_job_status = 'Failed' then coalesce(f.failure_class, 'unknown')
    end as failure_class, -- Class of its failure by reference.failure_rules, or `unknown`; null if it did not fail.
    f.failure_actor,
    f.failure_fingerprint
from staging.training_jobs as j
inner join staging.training_job_lives as l on j.training_job_arn = l.training_job_arn
left join staging.teams as t on j.training_job_arn = t.training_job_arn
left join staging.failure_reasons as f
    on
        j.created_month = f.created_month
        and case when j.training_job_status = 'Failed' then j.failure_reason end = f.failure_reason
