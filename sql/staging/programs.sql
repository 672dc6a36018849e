-- One row per training job: the program that it runs.
-- @incremental
-- @unique: training_job_arn

with scripts as (
    select
        training_job_arn,
        -- SDKs write hyperparameters as JSON.
        replace(value, '"', '') as script
    from lake.hyper_parameters
    where key = 'sagemaker_program' and replace(value, '"', '') <> ''
)

select
    j.training_job_arn,
    coalesce(s.script, j.training_image, j.algorithm_name)
        as program, -- Script that an SDK made it run, else its image, else its algorithm; null if unknown.
    s.script is not null as is_script -- Whether that is a script.
from staging.training_jobs as j
left join scripts as s on j.training_job_arn = s.training_job_arn
