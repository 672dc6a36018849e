-- One row per attempt, counted from 1: how long jobs queued in it, in whichever status of the queue (M06). These are
-- Starting and Pending, and in old records LaunchingMLInstances and PreparingTrainingStack. A job that was interrupted
-- or restarted queues again. Attempts that still queue count up to observed_at.
-- @unique: attempt
-- @check quantiles_in_order: p50_seconds is null or p50_seconds <= p90_seconds and p90_seconds <= p99_seconds

with totals as (
    select
        attempt,
        count(*) as jobs,
        count(queue_microseconds) as queued_jobs,
        cast(sum(queue_microseconds) as decimal(38, 0)) as microseconds,
        quantile_cont(queue_microseconds, [0.5, 0.9, 0.99]) as quantiles_microseconds
    from staging.queue_waits_by_attempt
    group by attempt
)

select
    attempt,
    jobs, -- Jobs that came to it.
    queued_jobs, -- Those of them that came into the queue in it: seconds, mean and quantiles are theirs.
    coalesce(microseconds, 0) / 1e6 as seconds, -- Seconds in the queue, over all jobs.
    microseconds / nullif(queued_jobs, 0) / 1e6 as mean_seconds, -- Mean of a job's seconds in the queue.
    quantiles_microseconds[1] / 1e6 as p50_seconds, -- Median of a job's seconds in the queue.
    quantiles_microseconds[2] / 1e6 as p90_seconds, -- 90th percentile of a job's seconds in the queue.
    quantiles_microseconds[3] / 1e6 as p99_seconds, -- 99th percentile of a job's seconds in the queue.
    queued_jobs < 20 as is_small_sample -- Whether queued_jobs are fewer than 20.
from totals
