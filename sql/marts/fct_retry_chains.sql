-- One row per retry chain, a job that nobody retried included: how often the same work was begun, and how much of the
-- time until it ended was productive. A job retries the one that was created before it with the same account, role and
-- program (image and hyperparameters without a program), if that had ended less than a day before without completing;
-- siblings of a tuning or AutoML job are no retries. The effective training time ratio (ETTR) is productive Training
-- time over the time from the first creation to the last end. Its lower bound counts nothing of what was interrupted or
-- retried without checkpoints, nor of a last attempt that failed; its upper bound counts all Training. A chain whose
-- last job is open goes up to observed_at. Metrics M21, M19.
-- @unique: chain_job_arn
-- @check retries_are_the_other_jobs: retries = jobs - 1
-- @check bounds_in_order: productive_seconds_low <= productive_seconds_high and productive_seconds_low >= 0
-- @check ratios_are_shares: ettr_low is null or (ettr_low >= 0 and ettr_high <= 1)

with jobs as (
    select
        r.chain_job_arn,
        r.program,
        r.is_retry,
        r.is_retried,
        j.account_id,
        j.region,
        j.role_arn,
        j.instance_type,
        j.is_spot,
        j.training_job_status,
        j.creation_time,
        l.life_end_at,
        l.is_ended,
        l.instance_microseconds,
        l.gpu_microseconds,
        j.instance_count,
        a.attempts,
        a.training_microseconds,
        case
            when a.has_checkpoints and not r.is_retried and j.training_job_status = 'Failed'
                then a.training_microseconds - a.last_training_microseconds
            when a.has_checkpoints then a.training_microseconds
            when r.is_retried or j.training_job_status = 'Failed' then 0
            else a.last_training_microseconds
        end as kept_microseconds
    from staging.retries as r
    inner join staging.training_jobs as j on r.training_job_arn = j.training_job_arn
    inner join staging.training_job_lives as l on r.training_job_arn = l.training_job_arn
    inner join staging.training_job_attempts as a on r.training_job_arn = a.training_job_arn
),

-- The first job is the one that is no retry, the last the one that is not retried.
chains as (
    select
        chain_job_arn,
        max(account_id) filter (where not is_retry) as account_id,
        max(region) filter (where not is_retry) as region,
        max(role_arn) filter (where not is_retry) as role_arn,
        max(program) filter (where not is_retry) as program,
        max(instance_type) filter (where not is_retry) as instance_type,
        bool_or(is_spot) filter (where not is_retry) as is_spot,
        count(*) as jobs,
        cast(sum(attempts) as bigint) as attempts,
        min(creation_time) as first_creation_time,
        max(life_end_at) as last_end_at,
        not bool_and(is_ended) as is_open,
        max(training_job_status) filter (where not is_retried) as training_job_status,
        epoch_us(max(life_end_at)) - epoch_us(min(creation_time)) as elapsed_microseconds,
        cast(sum(kept_microseconds) as bigint) as kept_microseconds,
        cast(sum(training_microseconds) as bigint) as training_microseconds,
        sum(instance_microseconds) as instance_microseconds,
        sum(gpu_microseconds) as gpu_microseconds,
        sum(kept_microseconds * instance_count) as kept_instance_microseconds,
        sum(training_microseconds * instance_count) as training_instance_microseconds
    from jobs
    group by chain_job_arn
)

select
    chain_job_arn,
    account_id,
    region, -- Region of its first job.
    role_arn,
    program,
    instance_type, -- Instance type of its first job; `heterogeneous` if that has instance groups, `unknown` if unnamed.
    is_spot, -- Whether its first job runs on managed spot capacity.
    jobs, -- Jobs of the chain.
    jobs - 1 as retries, -- Jobs that retry another.
    attempts, -- Attempts at running in all of its jobs: one for each, and one more after each interruption.
    training_job_status, -- Status of its last job.
    is_open, -- Whether its last job had not ended when last seen.
    first_creation_time, -- Creation (UTC) of its first job.
    last_end_at, -- End of life (UTC) of its last job; of an open one, the instant up to which it was seen.
    elapsed_microseconds / 1e6 as elapsed_seconds, -- Seconds from the first creation to the last end.
    kept_microseconds / 1e6 as productive_seconds_low, -- Productive Training seconds, lower bound.
    training_microseconds / 1e6 as productive_seconds_high, -- Productive Training seconds, upper bound.
    kept_microseconds
    / nullif(elapsed_microseconds, 0) as ettr_low, -- ETTR, lower bound (0 to 1); null if no time.
    training_microseconds
    / nullif(elapsed_microseconds, 0) as ettr_high, -- ETTR, upper bound (0 to 1); null if no time.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of all runs; null if the counts are unknown.
    gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of all runs; null if the GPUs are unknown.
    kept_instance_microseconds
    / 3.6e9 as productive_instance_hours_low, -- Productive instance-hours, lower bound; null if the counts are unknown.
    training_instance_microseconds
    / 3.6e9 as productive_instance_hours_high -- Productive instance-hours, upper bound; null if the counts are unknown.
from chains
