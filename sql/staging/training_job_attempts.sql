-- One row per training job: what its attempts at running came to, in microseconds. Whatever precedes an interruption is
-- superseded by the attempt that follows it, or will: the last attempt of a job that is interrupted is superseded too.
-- @incremental
-- @unique: training_job_arn
-- @check last_attempt_is_part_of_all: last_training_microseconds <= training_microseconds
-- @check nothing_negative: least(superseded_microseconds, setup_microseconds, save_microseconds) >= 0

with jobs as (
    select
        training_job_arn,
        max(attempt) as attempts,
        coalesce(
            max(case when phase = 'interruption' then visit_index end) = max(visit_index), false
        ) as is_interrupted,
        cast(
            sum(case when phase = 'run' then epoch_us(end_time) - epoch_us(start_time) else 0 end) as bigint
        ) as training_microseconds,
        cast(
            sum(case when phase = 'setup' then epoch_us(end_time) - epoch_us(start_time) else 0 end) as bigint
        ) as setup_microseconds,
        cast(
            sum(case when phase = 'save' then epoch_us(end_time) - epoch_us(start_time) else 0 end) as bigint
        ) as save_microseconds
    from staging.secondary_status_visits
    group by training_job_arn
),

-- Few jobs have more than one attempt: only theirs are looked at one by one.
superseded as (
    select
        v.training_job_arn,
        cast(
            sum(case when v.phase = 'run' then epoch_us(v.end_time) - epoch_us(v.start_time) else 0 end) as bigint
        ) as training_microseconds,
        cast(
            sum(case when v.phase = 'setup' then epoch_us(v.end_time) - epoch_us(v.start_time) else 0 end) as bigint
        ) as setup_microseconds,
        cast(
            sum(case when v.phase = 'save' then epoch_us(v.end_time) - epoch_us(v.start_time) else 0 end) as bigint
        ) as save_microseconds
    from staging.secondary_status_visits as v
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
        s.training_microseconds + s.setup_microseconds + s.save_microseconds, 0
    ) as superseded_microseconds, -- Microseconds of setup, Training and save in superseded attempts.
    j.setup_microseconds
    - coalesce(s.setup_microseconds, 0) as setup_microseconds, -- Microseconds of setup in the last attempt.
    j.save_microseconds
    - coalesce(s.save_microseconds, 0) as save_microseconds -- Microseconds of save, as Uploading, in the last attempt.
from jobs as j
left join superseded as s on j.training_job_arn = s.training_job_arn
