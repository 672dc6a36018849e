-- One row per training job that may be in a chain of retries with others (M21): it retries the one that was created
-- before it with the same account, role and program, or is retried, as far as jobs created in its month tell; or it is
-- the first or the last of these, so that jobs of other months tell. Children of one tuning or AutoML job do not retry
-- each other.
-- @incremental
-- @unique: training_job_arn

-- What makes a retry stands in staging.retries, across months, too.
with sequenced as (
    select
        *,
        coalesce(
            lag(is_to_retry) over by_creation
            and epoch_us(creation_time) - epoch_us(lag(last_end_at) over by_creation) between 0 and 86399999999
            and coalesce(tuning_job_arn <> lag(tuning_job_arn) over by_creation, true)
            and coalesce(auto_ml_job_arn <> lag(auto_ml_job_arn) over by_creation, true),
            false
        ) as is_retry,
        lag(training_job_arn) over by_creation is null as is_first_of_month,
        lead(training_job_arn) over by_creation is null as is_last_of_month
    from staging.job_works
    where program is not null
    window by_creation as (
        partition by month, account_id, role_arn, program order by creation_time, training_job_arn
    )
),

linked as (
    select
        *,
        coalesce(
            lead(is_retry) over (
                partition by month, account_id, role_arn, program order by creation_time, training_job_arn
            ),
            false
        ) as is_retried
    from sequenced
)

select
    training_job_arn,
    month,
    account_id,
    role_arn,
    program,
    creation_time,
    last_end_at,
    training_job_status,
    is_ended,
    is_to_retry,
    tuning_job_arn,
    auto_ml_job_arn,
    instance_count,
    attempts,
    kept_microseconds,
    retried_kept_microseconds,
    training_microseconds,
    instance_microseconds,
    gpu_microseconds,
    gpu_known_instance_microseconds,
    is_retry, -- Whether it retries a job created in its month.
    is_first_of_month -- Whether it is the first of its month that does its work.
from linked
where is_retry or is_retried or is_first_of_month or is_last_of_month
