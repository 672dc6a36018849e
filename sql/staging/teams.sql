-- One row per training job that names its team: the value of its tag `team` (in any case), the first if there are more.
-- @incremental
-- @unique: training_job_arn

select
    training_job_arn,
    value as team -- Team of the job, by its tag `team`; null if unknown.
from lake.tags
where lower(key) = 'team' and value <> ''
qualify row_number() over (partition by training_job_arn order by index) = 1
