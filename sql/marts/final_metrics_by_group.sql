-- One row per kind of group (`tuning_job`, `experiment` or `algorithm`), group, account, region, and metric: the least,
-- the median and the greatest of the final values of its jobs. Records do not tell whether more is better: the best is
-- the greatest accuracy, or the least loss. Jobs without such a group are in none. Metric M29.
-- @unique: group_kind, group_name, account_id, region, metric_name
-- @check values_in_order: least_value <= p50_value and p50_value <= greatest_value

with grouped as (
    select
        k.group_kind,
        case k.group_kind
            when 'tuning_job' then j.tuning_job_arn
            when 'experiment' then j.experiment_name
            else coalesce(j.algorithm_name, j.training_image)
        end as group_name,
        m.account_id,
        m.region,
        m.metric_name,
        m.training_job_arn,
        m.value
    from marts.fct_final_metrics as m
    inner join staging.training_jobs as j on m.training_job_arn = j.training_job_arn
    cross join unnest(['tuning_job', 'experiment', 'algorithm']) as k (group_kind)
),

ranked as (
    select
        *,
        row_number() over (
            partition by group_kind, group_name, account_id, region, metric_name order by value, training_job_arn
        ) as rank_from_least,
        row_number() over (
            partition by group_kind, group_name, account_id, region, metric_name
            order by value desc, training_job_arn asc
        ) as rank_from_greatest
    from grouped
    where group_name is not null
)

select
    group_kind, -- Kind of group: `tuning_job`, `experiment` or `algorithm`.
    group_name, -- ARN of the tuning job, name of the experiment, or the algorithm, else its image.
    account_id,
    region,
    metric_name,
    count(*) as jobs, -- Jobs with a final value.
    min(value) as least_value, -- Least of their final values.
    quantile_cont(value, 0.5) as p50_value, -- Median of their final values.
    max(value) as greatest_value, -- Greatest of them.
    max(training_job_arn) filter (where rank_from_least = 1) as least_training_job_arn, -- Job with the least.
    max(training_job_arn) filter (where rank_from_greatest = 1) as greatest_training_job_arn -- Job with the greatest.
from ranked
group by group_kind, group_name, account_id, region, metric_name
