-- One row per day, account, region, instance type, and spot or not, on which such instances were used: their hours
-- (M03, M04). Heterogeneous jobs are divided into their instance groups, so that each type has its own hours. Where one
-- group's GPUs are unknown, so are those of the job as a whole: marts of jobs leave out what is here of its others.
-- Hours of a run that crosses midnight are split, so that days add up to the total.
-- @incremental by month
-- @unique: date, account_id, region, instance_type, is_spot
-- @check hours_not_negative: coalesce(instance_hours, 0) >= 0 and coalesce(gpu_hours, 0) >= 0
-- @check share_is_a_share: gpu_known_share is null or gpu_known_share between 0 and 1

with totals as (
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
    from staging.instance_type_days
    where kind = 'run'
    group by date, account_id, region, instance_type, is_spot
)

select
    date,
    account_id,
    region,
    instance_type, -- Instance type; of heterogeneous jobs, that of each group.
    is_spot,
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances used; null if their count is unknown for all.
    gpu_microseconds
    / 3.6e9 as gpu_hours, -- Hours of GPUs used, of every group whose own are known; null if they are unknown for all.
    coalesce(gpu_known_instance_microseconds, 0)
    / nullif(instance_microseconds, 0) as gpu_known_share -- Share of instance_hours whose GPUs are known; null if 0.
from totals
