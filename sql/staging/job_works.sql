-- One row per training job: what work it does, for which another job may have been tried before or may be tried again,
-- and how much of it was done. Jobs without a program do the same if image and hyperparameters are the same.
-- @incremental
-- @unique: training_job_arn
-- @check last_attempt_is_part_of_all: last_training_microseconds <= training_microseconds

-- Only of those that need it: hyperparameters are many.
with hyper_parameters as (
    select
        h.training_job_arn,
        -- Sorted as a list: an ordered aggregate takes twice as long.
        md5(array_to_string(list_sort(array_agg(h.key || '=' || coalesce(h.value, ''))), chr(10))) as digest
    from lake.hyper_parameters as h
    inner join staging.programs as p on h.training_job_arn = p.training_job_arn
    where not p.is_script
    group by h.training_job_arn
)

select
    l.training_job_arn,
    cast(l.created_month || '-01' as date) as month, -- First day of the month of its creation (UTC).
    l.account_id,
    l.region,
    l.instance_type,
    l.is_spot,
    l.instance_count,
    l.training_job_status,
    l.is_ended,
    l.creation_time,
    l.last_end_at,
    l.instance_microseconds,
    l.gpu_microseconds,
    l.gpu_known_instance_microseconds,
    a.attempts,
    a.training_microseconds,
    a.last_training_microseconds,
    -- Of a job without checkpoints only the last attempt counts, and nothing if that failed or was retried.
    case
        when coalesce(j.checkpoint_config_s3_uri, '') <> '' and l.training_job_status = 'Failed'
            then a.training_microseconds - a.last_training_microseconds
        when coalesce(j.checkpoint_config_s3_uri, '') <> '' then a.training_microseconds
        when l.training_job_status = 'Failed' then 0
        else a.last_training_microseconds
    end as kept_microseconds, -- Microseconds of Training that were productive at least, if nobody retried it.
    case
        when coalesce(j.checkpoint_config_s3_uri, '') <> '' then a.training_microseconds else 0
    end as retried_kept_microseconds, -- Those that were productive at least, if another job retried it.
    nullif(j.role_arn, '') as role_arn,
    coalesce(j.checkpoint_config_s3_uri, '') <> '' as has_checkpoints, -- Whether it saves checkpoints to S3.
    nullif(j.tuning_job_arn, '') as tuning_job_arn,
    nullif(j.auto_ml_job_arn, '') as auto_ml_job_arn,
    l.is_ended and l.training_job_status <> 'Completed' as is_to_retry, -- Whether it ended without completing.
    p.program || coalesce(' ' || h.digest, '')
        as program -- Program, or image and digest of the hyperparameters: the same for the same work; null if unknown.
from staging.training_job_lives as l
inner join staging.training_job_attempts as a on l.training_job_arn = a.training_job_arn
inner join lake.training_jobs as j on l.training_job_arn = j.training_job_arn
inner join staging.programs as p on l.training_job_arn = p.training_job_arn
left join hyper_parameters as h on l.training_job_arn = h.training_job_arn
