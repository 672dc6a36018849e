-- One row per training job and attempt that it came to: how long it queued in it, in all statuses of the queue; of an
-- attempt that still queues, up to observed_at. One that closes a job after an interruption, or starts without a queue,
-- is no wait of 0 seconds.
-- @incremental
-- @unique: training_job_arn, attempt

select
    training_job_arn,
    attempt, -- Attempt at running, from 1.
    cast(
        sum(case when phase = 'queue' then epoch_us(end_time) - epoch_us(start_time) end) as bigint
    ) as queue_microseconds -- Microseconds in the queue; null if it did not come into one.
from staging.secondary_status_visits
group by training_job_arn, attempt
