-- One row per training job: its place in a chain of retries (M21). A job retries the one that was created before it
-- with the same account, role and program, if that had ended less than a day before without completing. Jobs without a
-- program are the same if image and hyperparameters are. Children of a tuning or AutoML job are siblings: they retry
-- nothing.
-- @unique: training_job_arn

with programs as (
    select
        training_job_arn,
        -- SDKs write hyperparameters as JSON.
        replace(value, '"', '') as program
    from lake.hyper_parameters
    where key = 'sagemaker_program'
),

-- Only of those that need it: hyperparameters are many.
hyper_parameters as (
    select
        h.training_job_arn,
        md5(string_agg(h.key || '=' || coalesce(h.value, ''), chr(10) order by h.key)) as digest
    from lake.hyper_parameters as h
    left join programs as p on h.training_job_arn = p.training_job_arn
    where p.training_job_arn is null
    group by h.training_job_arn
),

jobs as (
    select
        j.training_job_arn,
        j.account_id,
        j.role_arn,
        j.tuning_job_arn is not null or j.auto_ml_job_arn is not null as is_sibling,
        j.training_job_status,
        j.creation_time,
        l.is_ended,
        l.life_end_at,
        coalesce(
            p.program, coalesce(j.training_image, j.algorithm_name) || coalesce(' ' || h.digest, '')
        ) as program
    from staging.training_jobs as j
    inner join staging.training_job_lives as l on j.training_job_arn = l.training_job_arn
    left join programs as p on j.training_job_arn = p.training_job_arn
    left join hyper_parameters as h on j.training_job_arn = h.training_job_arn
),

sequenced as (
    select
        *,
        coalesce(
            lag(is_ended and training_job_status <> 'Completed') over by_creation
            and epoch_us(creation_time) - epoch_us(lag(life_end_at) over by_creation) between 0 and 86400000000, false
        ) as is_retry
    from jobs
    where program is not null and not is_sibling
    window by_creation as (partition by account_id, role_arn, program order by creation_time, training_job_arn)
),

chained as (
    select
        training_job_arn,
        program,
        is_retry,
        coalesce(lead(is_retry) over by_creation, false) as is_retried,
        last_value(case when not is_retry then training_job_arn end ignore nulls) over (
            partition by account_id, role_arn, program
            order by creation_time, training_job_arn
            rows between unbounded preceding and current row
        ) as chain_job_arn
    from sequenced
    window by_creation as (partition by account_id, role_arn, program order by creation_time, training_job_arn)
    union all
    select
        training_job_arn,
        program,
        false as is_retry,
        false as is_retried,
        training_job_arn as chain_job_arn
    from jobs
    where program is null or is_sibling
)

select
    training_job_arn,
    program, -- Program, or image and digest of the hyperparameters, that makes two jobs the same; null if unknown.
    chain_job_arn, -- ARN of the first job of its chain; its own if it retries nothing.
    is_retry, -- Whether it retries another.
    is_retried -- Whether another retries it: it is not the last of its chain.
from chained
