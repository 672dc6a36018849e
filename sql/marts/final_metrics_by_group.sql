-- One row per kind of group (`tuning_job`, `experiment` or `algorithm`), group, account, region, and metric: the least,
-- the median and the greatest of the final values of its jobs. Records do not tell whether more is better: the best is
-- the greatest accuracy, or the least loss. Jobs without such a group are in none. Metric M29.
-- @unique: group_kind, group_name, account_id, region, metric_name
-- @check values_in_order: least_value <= p50_value and p50_value <= greatest_value

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
        m.training_job_arn,
        m.value
    from marts.fct_final_metrics as m
    cross join unnest(['tuning_job', 'experiment', 'algorithm']) as k (group_kind)
),

spreads as (
    select
        group_kind,
        group_name,
        account_id,
        region,
        metric_name,
        count(*) as jobs,
        min(value) as least_value,
        quantile_cont(value, 0.5) as p50_value,
        max(value) as greatest_value
    from grouped
    where group_name is not null
    group by group_kind, group_name, account_id, region, metric_name
)

select
    s.group_kind, -- Kind of group: `tuning_job`, `experiment` or `algorithm`.
    s.group_name, -- ARN of the tuning job, name of the experiment, or the algorithm, else its image.
    s.account_id,
    s.region,
    s.metric_name,
    s.jobs, -- Jobs with a final value.
    s.least_value, -- Least of their final values.
    s.p50_value, -- Median of their final values.
    s.greatest_value, -- Greatest of them.
    min(g.training_job_arn) filter (where g.value = s.least_value) as least_training_job_arn, -- Job with the least.
    min(g.training_job_arn) filter (
        where g.value = s.greatest_value
    ) as greatest_training_job_arn -- Job with the greatest.
from spreads as s
inner join grouped as g
    on
        s.group_kind = g.group_kind
        and s.group_name = g.group_name
        and s.account_id = g.account_id
        and s.region = g.region
        and s.metric_name = g.metric_name
group by
    s.group_kind,
    s.group_name,
    s.account_id,
    s.region,
    s.metric_name,
    s.jobs,
    s.least_value,
    s.p50_value,
    s.greatest_value
