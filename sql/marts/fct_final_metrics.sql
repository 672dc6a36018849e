-- One row per training job and metric: the last value that its record tells of it. Metric M29.
-- @incremental
-- @unique: training_job_arn, metric_name

with ranked as (
    select
        training_job_arn,
        account_id,
        region,
        metric_name,
        value,
        timestamp as measured_at,
        row_number() over (
            partition by training_job_arn, metric_name order by timestamp desc nulls last, index desc
        ) as rank
    from lake.final_metric_data_list
    -- A value without a name, or a name without a value, says nothing.
    where metric_name <> '' and value is not null
)

select
    r.training_job_arn,
    r.account_id,
    r.region,
    j.tuning_job_arn,
    j.experiment_name,
    coalesce(j.algorithm_name, j.training_image) as algorithm, -- Algorithm of the job, else its image; null if unknown.
    r.metric_name,
    r.value, -- Last value of the metric; may be NaN or infinite.
    r.measured_at -- Instant (UTC) of the value, as told; null if none is.
from ranked as r
inner join staging.training_jobs as j on r.training_job_arn = j.training_job_arn
where r.rank = 1
