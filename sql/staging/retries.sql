-- One row per training job: its place in a chain of retries (M21). A job retries the one that was created before it
-- with the same account, role and program, if that had ended less than a day before without completing. Jobs without a
-- program are the same if image and hyperparameters are. Children of a tuning or AutoML job are siblings: they retry
-- nothing.
-- @unique: training_job_arn

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
),

jobs as (
    select
        l.training_job_arn,
        l.account_id,
        nullif(j.role_arn, '') as role_arn,
        coalesce(j.checkpoint_config_s3_uri, '') <> '' as has_checkpoints,
        coalesce(j.tuning_job_arn, '') <> '' or coalesce(j.auto_ml_job_arn, '') <> '' as is_sibling,
        l.is_ended and l.training_job_status <> 'Completed' as is_to_retry,
        l.creation_time,
        l.life_end_at,
        p.program || coalesce(' ' || h.digest, '') as program
    from staging.training_job_lives as l
    inner join lake.training_jobs as j on l.training_job_arn = j.training_job_arn
    inner join staging.programs as p on l.training_job_arn = p.training_job_arn
    left join hyper_parameters as h on l.training_job_arn = h.training_job_arn
),

-- Numbered, for numbers are sorted faster than texts.
works as (
    select
        account_id,
        role_arn,
        program,
        row_number() over (order by account_id, role_arn, program) as work
    from jobs
    group by account_id, role_arn, program
),

sequenced as (
    select
        j.training_job_arn,
        w.work,
        j.creation_time,
        coalesce(
            lag(j.is_to_retry) over by_creation
            and epoch_us(j.creation_time) - epoch_us(lag(j.life_end_at) over by_creation) between 0 and 86400000000,
            false
        ) as is_retry,
        coalesce(
            j.is_to_retry
            and epoch_us(lead(j.creation_time) over by_creation) - epoch_us(j.life_end_at) between 0 and 86400000000,
            false
        ) as is_retried
    from jobs as j
    inner join works as w
        on
            j.account_id = w.account_id
            and j.role_arn is not distinct from w.role_arn
            and j.program = w.program
    where not j.is_sibling
    window by_creation as (partition by w.work order by j.creation_time, j.training_job_arn)
),

-- Of the others each is a chain of its own.
chained as (
    select
        training_job_arn,
        is_retry,
        is_retried,
        last_value(case when not is_retry then training_job_arn end ignore nulls) over (
            partition by work
            order by creation_time, training_job_arn
            rows between unbounded preceding and current row
        ) as chain_job_arn
    from sequenced
    where is_retry or is_retried
)

select
    j.training_job_arn,
    j.role_arn,
    j.program, -- Program, or image and digest of the hyperparameters, that makes two jobs the same; null if unknown.
    j.has_checkpoints, -- Whether it saves checkpoints to S3.
    coalesce(c.chain_job_arn, j.training_job_arn)
        as chain_job_arn, -- ARN of the first job of its chain; its own if it retries nothing.
    coalesce(c.is_retry, false) as is_retry, -- Whether it retries another.
    coalesce(c.is_retried, false) as is_retried -- Whether another retries it: it is not the last of its chain.
from jobs as j
left join chained as c on j.training_job_arn = c.training_job_arn
