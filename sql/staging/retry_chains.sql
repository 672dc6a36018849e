-- One row per retry chain of several jobs (M21): what these came to together.
-- @unique: chain_job_arn
-- @check there_are_several: jobs > 1

select
    chain_job_arn,
    min(month) as month, -- First day of the month (UTC) in which its first job was created.
    count(*) as jobs, -- Jobs of the chain.
    cast(sum(attempts) as bigint) as attempts, -- Attempts at running in all of them.
    max(last_end_at) as last_end_at, -- Last end (UTC) of its jobs.
    bool_and(is_ended) as is_ended, -- Whether all have ended.
    max(training_job_status) filter (where not is_retried) as training_job_status, -- Status of its last job.
    cast(sum(kept_microseconds) as bigint)
        as kept_microseconds, -- Microseconds of Training that were productive at least.
    cast(sum(training_microseconds) as bigint) as training_microseconds, -- Microseconds of Training in all of them.
    cast(sum(instance_microseconds) as decimal(38, 0))
        as instance_microseconds, -- Instance time of their runs; null if the counts are unknown.
    cast(sum(gpu_microseconds) as decimal(38, 0))
        as gpu_microseconds, -- GPU time of their runs; null if the GPUs are unknown.
    cast(sum(gpu_known_instance_microseconds) as decimal(38, 0))
        as gpu_known_instance_microseconds, -- Instance time of those whose GPUs are known.
    cast(sum(kept_microseconds * cast(instance_count as decimal(19, 0))) as decimal(38, 0))
        as kept_instance_microseconds, -- Kept time times instances; null if the counts are unknown.
    cast(sum(training_microseconds * cast(instance_count as decimal(19, 0))) as decimal(38, 0))
        as training_instance_microseconds -- Time of Training times instances; null if the counts are unknown.
from staging.retries
group by chain_job_arn
