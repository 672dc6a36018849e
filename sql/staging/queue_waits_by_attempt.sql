-- One row per training job and attempt that it came to: how long it queued in it, in Starting and Pending; of an
-- attempt that still queues, up to observed_at.
-- @incremental
-- @unique: training_job_arn, attempt

select
    training_job_arn,
    attempt, -- Attempt at running, from 1.
    cast(
        coalesce(sum(epoch_us(end_time) - epoch_us(start_time)) filter (where phase = 'queue'), 0) as bigint
    ) as queue_microseconds -- Microseconds in the queue; 0 if it did not queue.
from staging.secondary_status_visits
group by training_job_arn, attempt
