-- One row per training job: what its attempts at running came to, in microseconds. Whatever precedes an interruption is
-- superseded by the attempt that follows it.
-- @unique: training_job_arn
-- @check last_attempt_is_part_of_all: last_training_microseconds <= training_microseconds
-- @check nothing_negative: least(superseded_microseconds, setup_microseconds, save_microseconds) >= 0

with attempts as (
    select
        training_job_arn,
        attempt,
        sum(
            case when phase = 'run' then epoch_us(end_time) - epoch_us(start_time) else 0 end
        ) as training_microseconds,
        sum(
            case when phase = 'setup' then epoch_us(end_time) - epoch_us(start_time) else 0 end
        ) as setup_microseconds,
        sum(
            case when phase = 'save' then epoch_us(end_time) - epoch_us(start_time) else 0 end
        ) as save_microseconds
    from staging.secondary_status_visits
    group by training_job_arn, attempt
),

jobs as (
    select
        training_job_arn,
        max(attempt) as attempts,
        cast(sum(training_microseconds) as bigint) as training_microseconds,
        cast(sum(training_microseconds + setup_microseconds + save_microseconds) as bigint) as working_microseconds,
        cast(max_by(training_microseconds, attempt) as bigint) as last_training_microseconds,
        cast(max_by(setup_microseconds, attempt) as bigint) as setup_microseconds,
        cast(max_by(save_microseconds, attempt) as bigint) as save_microseconds
    from attempts
    group by training_job_arn
)

select
    a.training_job_arn,
    coalesce(j.checkpoint_config_s3_uri, '') <> '' as has_checkpoints, -- Whether it saves checkpoints to S3.
    a.attempts, -- Attempts at running.
    a.training_microseconds, -- Microseconds of Training in all attempts.
    a.last_training_microseconds, -- Microseconds of Training in the last attempt.
    a.working_microseconds - a.last_training_microseconds - a.setup_microseconds
    - a.save_microseconds as superseded_microseconds, -- Microseconds of setup, Training and save in earlier attempts.
    a.setup_microseconds, -- Microseconds of setup, as Downloading, in the last attempt.
    a.save_microseconds -- Microseconds of save, as Uploading, in the last attempt.
from jobs as a
inner join lake.training_jobs as j on a.training_job_arn = j.training_job_arn
