-- One row per training job that ended without completing: what ended it. Of a failed job the class of its failure
-- (M16), of a stopped one who or what stopped it (M15), as far as its record tells.
-- @incremental
-- @unique: training_job_arn

select
    j.training_job_arn,
    case
        when j.training_job_status = 'Failed' then coalesce(f.failure_class, 'unknown')
        when j.secondary_status = 'MaxRuntimeExceeded' then 'max_runtime_exceeded'
        when j.secondary_status = 'MaxWaitTimeExceeded' then 'max_wait_time_exceeded'
        when j.tuning_job_arn is not null then 'tuning_early_stop'
        else 'user_or_api'
    end as end_cause, -- Failure class of a failed job; of a stopped one, the limit it met, or who stopped it.
    f.failure_actor as end_actor -- Who can mend the failure: user, platform or aws; null if unknown, or stopped.
from staging.training_jobs as j
left join staging.failure_reasons as f
    on
        j.created_month = f.created_month
        and case when j.training_job_status = 'Failed' then j.failure_reason end = f.failure_reason
where j.training_job_status in ('Failed', 'Stopped')
