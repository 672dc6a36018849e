-- One row per training job that retries another, or is retried (M21): its place in a chain of retries. A job retries
-- the one that was created before it with the same account, role and program, if that had ended less than a day before
-- without completing. Children of one tuning or AutoML job are siblings: they do not retry each other.
-- @unique: training_job_arn

-- Of one month it is known; between the last of a month and the first of the next that has such a job, it is not.
-- What makes a retry stands in staging.retry_candidates, within a month, too.
with sequenced as (
    select
        *,
        is_retry or coalesce(
            is_first_of_month
            and lag(is_to_retry) over by_creation
            and epoch_us(creation_time) - epoch_us(lag(last_end_at) over by_creation) between 0 and 86399999999
            and coalesce(tuning_job_arn <> lag(tuning_job_arn) over by_creation, true)
            and coalesce(auto_ml_job_arn <> lag(auto_ml_job_arn) over by_creation, true),
            false
        ) as retries_another
    from staging.retry_candidates
    window by_creation as (partition by account_id, role_arn, program order by creation_time, training_job_arn)
),

linked as (
    select
        *,
        coalesce(
            lead(retries_another) over (
                partition by account_id, role_arn, program order by creation_time, training_job_arn
            ),
            false
        ) as is_retried_by_another
    from sequenced
)

select
    training_job_arn,
    month,
    last_value(case when not retries_another then training_job_arn end ignore nulls) over (
        partition by account_id, role_arn, program
        order by creation_time, training_job_arn
        rows between unbounded preceding and current row
    ) as chain_job_arn, -- ARN of the first job of its chain; its own if it retries nothing.
    retries_another as is_retry, -- Whether it retries another.
    is_retried_by_another as is_retried, -- Whether another retries it: it is not the last of its chain.
    last_end_at,
    training_job_status,
    is_ended,
    instance_count,
    attempts,
    case
        when is_retried_by_another then retried_kept_microseconds else kept_microseconds
    end as kept_microseconds, -- Microseconds of Training that were productive at least.
    training_microseconds,
    instance_microseconds,
    gpu_microseconds,
    gpu_known_instance_microseconds
from linked
where retries_another or is_retried_by_another
