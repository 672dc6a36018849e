-- One row per retry chain, a job that nobody retried included: how often the same work was begun, and how much of the
-- time until it ended was productive. A job retries the one that was created before it with the same account, role and
-- program (image and hyperparameters without a program), if that had ended less than a day before without completing;
-- siblings of a tuning or AutoML job are no retries. The effective training time ratio (ETTR) is productive Training
-- time over the time from the first creation to the last end. Its lower bound counts nothing of what was interrupted or
-- retried without checkpoints, nor of a last attempt that failed; its upper bound counts all Training. A chain whose
-- last job is open goes up to when that was seen, unless its run is told to be over. Metrics M21, M19.
-- @incremental by month
-- @unique: chain_job_arn
-- @check retries_are_the_other_jobs: retries = jobs - 1
-- @check bounds_in_order: productive_seconds_low <= productive_seconds_high and productive_seconds_low >= 0
-- @check ratios_are_shares: ettr_low is null or (ettr_low >= 0 and ettr_high <= 1)

-- A chain is described by its first job. Few jobs are in a chain with others.
with chains as (
    select
        w.training_job_arn as chain_job_arn,
        w.account_id,
        w.region,
        w.role_arn,
        w.program,
        w.instance_type,
        w.is_spot,
        coalesce(c.jobs, 1) as jobs,
        coalesce(c.attempts, w.attempts) as attempts,
        w.creation_time as first_creation_time,
        coalesce(c.last_end_at, w.last_end_at) as last_end_at,
        not coalesce(c.is_ended, w.is_ended) as is_open,
        -- The last job may have no status.
        case
            when c.chain_job_arn is null then w.training_job_status else c.training_job_status
        end as training_job_status,
        epoch_us(coalesce(c.last_end_at, w.last_end_at)) - epoch_us(w.creation_time) as elapsed_microseconds,
        coalesce(c.kept_microseconds, w.kept_microseconds) as kept_microseconds,
        coalesce(c.training_microseconds, w.training_microseconds) as training_microseconds,
        coalesce(c.instance_microseconds, w.instance_microseconds) as instance_microseconds,
        coalesce(c.gpu_microseconds, w.gpu_microseconds) as gpu_microseconds,
        coalesce(
            c.gpu_known_instance_microseconds, w.gpu_known_instance_microseconds
        ) as gpu_known_instance_microseconds,
        -- As decimals: products can be beyond BIGINT.
        coalesce(
            c.kept_instance_microseconds, w.kept_microseconds * cast(w.instance_count as decimal(19, 0))
        ) as kept_instance_microseconds,
        coalesce(
            c.training_instance_microseconds, w.training_microseconds * cast(w.instance_count as decimal(19, 0))
        ) as training_instance_microseconds
    from staging.job_works as w
    left join staging.retries as r on w.training_job_arn = r.training_job_arn
    left join staging.retry_chains as c on w.training_job_arn = c.chain_job_arn
    where not coalesce(r.is_retry, false)
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
    last_end_at, -- Last end (UTC) of its jobs; of an open one the later of its last visit's and its run's.
    elapsed_microseconds / 1e6 as elapsed_seconds, -- Seconds from the first creation to the last end.
    kept_microseconds / 1e6 as productive_seconds_low, -- Productive Training seconds, lower bound.
    training_microseconds / 1e6 as productive_seconds_high, -- Productive Training seconds, upper bound.
    kept_microseconds
    / nullif(elapsed_microseconds, 0) as ettr_low, -- ETTR, lower bound (0 to 1); null if no time.
    training_microseconds
    / nullif(elapsed_microseconds, 0) as ettr_high, -- ETTR, upper bound (0 to 1); null if no time.
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of all runs; null if the counts are unknown.
    known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
    / 3.6e9 as gpu_hours, -- GPU-hours of all runs; null if all are unknown.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    kept_instance_microseconds
    / 3.6e9 as productive_instance_hours_low, -- Productive instance-hours, lower bound; null if the counts are unknown.
    training_instance_microseconds
    / 3.6e9 as productive_instance_hours_high -- Productive instance-hours, upper bound; null if the counts are unknown.
from chains
