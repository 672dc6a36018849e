-- One row per training job with a team: the value of its tag `team`, in any case.
-- @incremental
-- @unique: training_job_arn

select
    training_job_arn,
    value as team -- Value of its tag `team`.
from lake.tags
where lower(key) = 'team' and value <> ''
qualify row_number() over (partition by training_job_arn order by index) = 1
