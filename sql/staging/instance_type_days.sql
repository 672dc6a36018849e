-- One row per day, account, region, instance type, spot or not, prepaid or not, and kind of use: the time of instances
-- used. Heterogeneous jobs are divided into their instance groups, so that each type has its own.
-- @incremental by month
-- @unique: date, account_id, region, instance_type, is_spot, is_prepaid, kind
-- @check time_not_negative: coalesce(instance_microseconds, 0) >= 0

select
    date,
    cast(date_trunc('month', date) as date) as month,
    account_id,
    region,
    instance_type,
    is_spot,
    is_prepaid,
    kind,
    cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
    cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
    cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
from staging.instance_type_job_days
group by date, account_id, region, instance_type, is_spot, is_prepaid, kind
