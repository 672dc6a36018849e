-- One row per training job: its place in a chain of retries (M21). A job retries the one that was created before it
-- with the same account, role and program, if that had ended less than a day before without completing. Children of a
-- tuning or AutoML job are siblings: they retry nothing.
-- @unique: training_job_arn

-- Numbered, for numbers are sorted faster than texts.
with works as (
    select
        account_id,
        role_arn,
        program,
        row_number() over (order by account_id, role_arn, program) as work
    from staging.job_works
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
    from staging.job_works as j
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
    coalesce(c.chain_job_arn, j.training_job_arn)
        as chain_job_arn, -- ARN of the first job of its chain; its own if it retries nothing.
    coalesce(c.is_retry, false) as is_retry, -- Whether it retries another.
    coalesce(c.is_retried, false) as is_retried -- Whether another retries it: it is not the last of its chain.
from staging.job_works as j
left join chained as c on j.training_job_arn = c.training_job_arn
