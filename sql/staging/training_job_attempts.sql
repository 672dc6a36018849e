-- One row per training job: what its attempts at running came to, in microseconds. Whatever precedes an interruption is
-- superseded by the attempt that follows it, or will: the last attempt of a job that is interrupted is superseded too.
-- What used no instances, being told of before or after the run, is no part of what is superseded, of setup or of save.
-- @incremental
-- @unique: training_job_arn
-- @check last_attempt_is_part_of_all: last_training_microseconds <= training_microseconds
-- @check nothing_negative: least(superseded_microseconds, setup_microseconds, save_microseconds) >= 0

with visits as (
    select
        v.training_job_arn,
        v.visit_index,
        v.attempt,
        v.phase,
        case
            when v.phase = 'run' then epoch_us(v.end_time) - epoch_us(v.start_time) else 0
        end as training_microseconds,
        case
            when l.is_started and v.phase in ('setup', 'run', 'save')
                then greatest(
                    0, epoch_us(least(v.end_time, l.run_end_at)) - epoch_us(greatest(v.start_time, l.started_at))
                )
            else 0
        end as used_microseconds
    from staging.secondary_status_visits as v
    inner join staging.training_job_lives as l on v.training_job_arn = l.training_job_arn
),

jobs as (
    select
        training_job_arn,
        max(attempt) as attempts,
        coalesce(
            max(case when phase = 'interruption' then visit_index end) = max(visit_index), false
        ) as is_interrupted,
        cast(sum(training_microseconds) as bigint) as training_microseconds,
        cast(sum(case when phase = 'setup' then used_microseconds else 0 end) as bigint) as setup_microseconds,
        cast(sum(case when phase = 'save' then used_microseconds else 0 end) as bigint) as save_microseconds
    from visits
    group by training_job_arn
),

-- Few jobs have more than one attempt: only theirs are looked at one by one.
superseded as (
    select
        v.training_job_arn,
        cast(sum(v.training_microseconds) as bigint) as training_microseconds,
        cast(sum(v.used_microseconds) as bigint) as used_microseconds,
        cast(sum(case when v.phase = 'setup' then v.used_microseconds else 0 end) as bigint) as setup_microseconds,
        cast(sum(case when v.phase = 'save' then v.used_microseconds else 0 end) as bigint) as save_microseconds
    from visits as v
    inner join jobs as j on v.training_job_arn = j.training_job_arn
    where (j.attempts > 1 and v.attempt < j.attempts) or j.is_interrupted
    group by v.training_job_arn
)

select
    j.training_job_arn,
    j.attempts, -- Attempts at running.
    j.training_microseconds, -- Microseconds of Training in all attempts.
    j.training_microseconds
    - coalesce(s.training_microseconds, 0) as last_training_microseconds, -- Those of the last attempt, if it goes on.
    coalesce(
        s.used_microseconds, 0
    ) as superseded_microseconds, -- Microseconds of setup, Training and save in superseded attempts, within the run.
    j.setup_microseconds
    - coalesce(s.setup_microseconds, 0)
        as setup_microseconds, -- Microseconds of setup in the last attempt, within the run.
    j.save_microseconds
    - coalesce(s.save_microseconds, 0)
        as save_microseconds -- Microseconds of save, as Uploading, in the last attempt, within the run.
from jobs as j
left join superseded as s on j.training_job_arn = s.training_job_arn
