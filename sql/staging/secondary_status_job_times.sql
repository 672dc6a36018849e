-- One row per scope, training job, attempt and secondary status that it entered: the time that it spent in it. Scopes:
-- `job` (attempts together; attempt is null) and `attempt`.
-- @incremental
-- @unique: scope, training_job_arn, attempt, secondary_status
-- @check time_not_negative: spent_microseconds >= 0 and visits > 0

with totals as (
    select
        case when grouping(attempt) = 0 then 'attempt' else 'job' end as scope,
        training_job_arn,
        attempt,
        secondary_status,
        phase,
        count(*) as visits,
        cast(sum(epoch_us(end_time) - epoch_us(start_time)) as bigint) as spent_microseconds
    from staging.secondary_status_visits
    group by grouping sets (
        (training_job_arn, secondary_status, phase), (training_job_arn, attempt, secondary_status, phase)
    )
)

select
    t.scope, -- Over what is counted: `job` or `attempt`.
    t.training_job_arn,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    t.attempt, -- Attempt at running, from 1; null for all together.
    t.secondary_status,
    t.phase,
    t.visits, -- Visits to the status.
    t.spent_microseconds -- Microseconds spent in the status.
from totals as t
inner join staging.training_jobs as j on t.training_job_arn = j.training_job_arn
