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
        r.is_retry,
        r.is_retried,
        w.program,
        w.role_arn,
        w.account_id,
        w.region,
        w.instance_type,
        w.is_spot,
        w.training_job_status,
        w.creation_time,
        w.life_end_at,
        w.is_ended,
        w.instance_microseconds,
        w.gpu_microseconds,
        -- As a decimal: products can be beyond BIGINT.
        cast(w.instance_count as decimal(19, 0)) as instance_count,
        w.attempts,
        w.training_microseconds,
        case
            when w.has_checkpoints and not r.is_retried and w.training_job_status = 'Failed'
                then w.training_microseconds - w.last_training_microseconds
            when w.has_checkpoints then w.training_microseconds
            when r.is_retried or w.training_job_status = 'Failed' then 0
            else w.last_training_microseconds
        end as kept_microseconds
    from staging.retries as r
    inner join staging.job_works as w on r.training_job_arn = w.training_job_arn
),

-- Few jobs are in a chain with others: only these are added up.
retried as (
    select
        chain_job_arn,
        count(*) as jobs,
        cast(sum(attempts) as bigint) as attempts,
        max(life_end_at) as last_end_at,
        bool_and(is_ended) as is_ended,
        max(training_job_status) filter (where not is_retried) as training_job_status,
        cast(sum(kept_microseconds) as bigint) as kept_microseconds,
        cast(sum(training_microseconds) as bigint) as training_microseconds,
        sum(instance_microseconds) as instance_microseconds,
        sum(gpu_microseconds) as gpu_microseconds,
        sum(kept_microseconds * instance_count) as kept_instance_microseconds,
        sum(training_microseconds * instance_count) as training_instance_microseconds
    from jobs
    where is_retry or is_retried
    group by chain_job_arn
),

-- A chain is described by its first job.
chains as (
    select
        j.chain_job_arn,
        j.account_id,
        j.region,
        j.role_arn,
        j.program,
        j.instance_type,
        j.is_spot,
        coalesce(r.jobs, 1) as jobs,
        coalesce(r.attempts, j.attempts) as attempts,
        j.creation_time as first_creation_time,
        coalesce(r.last_end_at, j.life_end_at) as last_end_at,
        not coalesce(r.is_ended, j.is_ended) as is_open,
        coalesce(r.training_job_status, j.training_job_status) as training_job_status,
        epoch_us(coalesce(r.last_end_at, j.life_end_at)) - epoch_us(j.creation_time) as elapsed_microseconds,
        coalesce(r.kept_microseconds, j.kept_microseconds) as kept_microseconds,
        coalesce(r.training_microseconds, j.training_microseconds) as training_microseconds,
        coalesce(r.instance_microseconds, j.instance_microseconds) as instance_microseconds,
        coalesce(r.gpu_microseconds, j.gpu_microseconds) as gpu_microseconds,
        coalesce(
            r.kept_instance_microseconds, j.kept_microseconds * j.instance_count
        ) as kept_instance_microseconds,
        coalesce(
            r.training_instance_microseconds, j.training_microseconds * j.instance_count
        ) as training_instance_microseconds
    from jobs as j
    left join retried as r on j.chain_job_arn = r.chain_job_arn
    where not j.is_retry
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
