-- One row per kind of parent (`tuning` or `auto_ml`) and training job that one created: when it lived and what it used.
-- @incremental
-- @unique: parent_kind, training_job_arn

select
    k.parent_kind, -- What created it: `tuning` or `auto_ml`.
    case k.parent_kind
        when 'tuning' then l.tuning_job_arn else l.auto_ml_job_arn
    end as parent_job_arn, -- ARN of the tuning or AutoML job.
    l.training_job_arn,
    l.account_id,
    l.region,
    l.training_job_status,
    l.is_ended,
    l.is_started,
    l.creation_time,
    l.started_at,
    l.run_end_at,
    l.last_end_at,
    l.run_microseconds,
    l.instance_microseconds,
    l.gpu_microseconds,
    l.gpu_known_instance_microseconds
from staging.training_job_lives as l
cross join unnest(['tuning', 'auto_ml']) as k (parent_kind)
where case k.parent_kind when 'tuning' then l.tuning_job_arn else l.auto_ml_job_arn end is not null
