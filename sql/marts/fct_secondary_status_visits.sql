-- One row per stay of a training job in a secondary status, without holes or overlaps from its creation to its end: the
-- seconds of a job's visits sum to its lifetime. Unattributed is time of which the record tells nothing (M12).
-- @incremental
-- @unique: training_job_arn, visit_index
-- @check duration_not_negative: duration_seconds >= 0

select
    v.training_job_arn,
    v.visit_index,
    v.attempt,
    v.secondary_status, -- Secondary status of the visit, as the API names it, or Unattributed.
    v.phase,
    v.start_time,
    v.end_time,
    (epoch_us(v.end_time) - epoch_us(v.start_time)) / 1e6 as duration_seconds, -- Seconds of the visit; may be 0.
    v.overlap_microseconds / 1e6 as overlap_seconds, -- Seconds cut from its told end, beyond the next visit's start.
    v.is_negative,
    v.is_open,
    v.is_derived,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot
from staging.secondary_status_visits as v
inner join staging.training_jobs as j on v.training_job_arn = j.training_job_arn
