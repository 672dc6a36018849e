-- One row per month of creation, day, account, region, instance type, spot or not, prepaid or not, and kind of use: the
-- time of instances that jobs created in this month used. Heterogeneous jobs are divided into their instance groups, so
-- that each type has its own.
-- @incremental
-- @unique: created_month, date, account_id, region, instance_type, is_spot, is_prepaid, kind
-- @check time_not_negative: coalesce(instance_microseconds, 0) >= 0

with parts as (
    select
        d.*,
        case when g.training_job_arn is null then d.instance_type else g.instance_type end as used_instance_type,
        cast(
            case when g.training_job_arn is null then d.instance_count else g.instance_count end as decimal(19, 0)
        ) as instances,
        cast(
            case when g.training_job_arn is null then d.gpu_count else g.gpu_count end as decimal(19, 0)
        ) as gpus
    from staging.usage_days as d
    left join staging.instance_groups as g on d.training_job_arn = g.training_job_arn
)

select
    created_month,
    date,
    cast(date_trunc('month', date) as date) as month, -- First day of its month.
    account_id,
    region,
    used_instance_type as instance_type, -- Instance type; of heterogeneous jobs, that of each group.
    is_spot,
    is_prepaid,
    kind,
    cast(sum(used_microseconds * instances) as decimal(38, 0))
        as instance_microseconds, -- Time times instances; null if their count is unknown for all.
    cast(sum(used_microseconds * gpus) as decimal(38, 0))
        as gpu_microseconds, -- Time times GPUs; null if they are unknown for all.
    cast(sum(used_microseconds * instances) filter (where gpus is not null) as decimal(38, 0))
        as gpu_known_instance_microseconds -- Time times instances of those whose GPUs are known.
from parts
group by created_month, date, account_id, region, used_instance_type, is_spot, is_prepaid, kind
