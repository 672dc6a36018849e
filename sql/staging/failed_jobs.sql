-- One row per failed job that has a FailureReason: its fingerprint and class, when it ended, and what its run took.
-- @incremental
-- @unique: training_job_arn
-- @check class_known: failure_class is not null

select
    j.training_job_arn,
    j.created_month,
    f.failure_fingerprint,
    f.failure_class,
    j.account_id,
    j.role_arn,
    j.instance_type,
    l.life_end_at,
    l.instance_microseconds,
    l.gpu_microseconds,
    l.gpu_known_instance_microseconds,
    case
        when row_number() over (
            partition by j.created_month, f.failure_fingerprint, f.failure_class
            order by l.life_end_at desc, j.training_job_arn desc
        ) = 1 then j.failure_reason
    end as last_failure_reason -- FailureReason of the last of a month with its fingerprint and class; null for others.
from staging.training_jobs as j
inner join staging.training_job_lives as l on j.training_job_arn = l.training_job_arn
inner join staging.failure_reasons as f on j.created_month = f.created_month and j.failure_reason = f.failure_reason
where j.training_job_status = 'Failed'
