-- One row per kind of group (`tuning_job`, `experiment` or `algorithm`), group, account, region, and metric: the least,
-- the median and the greatest of the final values of its jobs. Records do not tell whether more is better: the best is
-- the greatest accuracy, or the least loss. Jobs without such a group are in none, nor are those whose final value is
-- no finite number, as of a loss that diverged. Metric M29.
-- @unique: group_kind, group_name, account_id, region, metric_name
-- @check values_in_order: least_value <= p50_value + 1e-300 and p50_value - 1e-300 <= greatest_value

with grouped as (
    select
        k.group_kind,
        case k.group_kind
            when 'tuning_job' then m.tuning_job_arn
            when 'experiment' then m.experiment_name
            else m.algorithm
        end as group_name,
        m.account_id,
        m.region,
        m.metric_name,
        m.value,
        -- Of several jobs with one value, the first by its ARN.
        { 'value': m.value, 'training_job_arn': m.training_job_arn } as least_first,
        { 'value': -m.value, 'training_job_arn': m.training_job_arn } as greatest_first
    from marts.fct_final_metrics as m
    cross join unnest(['tuning_job', 'experiment', 'algorithm']) as k (group_kind)
    -- NaN is above infinity.
    where abs(m.value) < cast('infinity' as double)
),

totals as (
    select
        group_kind,
        group_name,
        account_id,
        region,
        metric_name,
        count(*) as jobs,
        min(least_first) as least_job,
        quantile_cont(value, 0.5) as p50_value,
        min(greatest_first) as greatest_job
    from grouped
    where group_name is not null
    group by group_kind, group_name, account_id, region, metric_name
)

select
    group_kind, -- Kind of group: `tuning_job`, `experiment` or `algorithm`.
    group_name, -- ARN of the tuning job, name of the experiment, or the algorithm, else its image.
    account_id,
    region,
    metric_name,
    jobs, -- Jobs with a final value that is a finite number.
    least_job.value as least_value, -- Least of their final values.
    p50_value, -- Median of their final values.
    -greatest_job.value as greatest_value, -- Greatest of them.
    least_job.training_job_arn as least_training_job_arn, -- Job with the least.
    greatest_job.training_job_arn as greatest_training_job_arn, -- Job with the greatest.
    jobs < 20 as is_small_sample -- Whether jobs are fewer than 20.
from totals
