-- One row per account, region, instance type, spot or not, kind of waste, and cause: instance-hours that brought
-- nothing. Kinds: `failed_job` and `stopped_job`, all hours of the runs of jobs that ended so, by failure class or stop
-- cause; of other jobs `superseded_attempts` before an interruption, and `setup` and `save` of the last attempt, which
-- are billed as Training is. No hour is of two kinds. A stop by the user may have been a success: its hours have a
-- column of their own. Jobs of unknown instance counts are left out of the hours. Metric M20.
-- @unique: account_id, region, instance_type, is_spot, waste, cause
-- @check nothing_negative: coalesce(wasted_instance_hours, 0) >= 0 and coalesce(user_stopped_instance_hours, 0) >= 0

with jobs as (
    select
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        l.training_job_status,
        c.end_cause,
        -- As decimals: products can be beyond BIGINT.
        cast(l.instance_count as decimal(19, 0)) as instance_count,
        cast(l.gpu_count as decimal(19, 0)) as gpu_count,
        l.instance_microseconds,
        l.gpu_microseconds,
        a.superseded_microseconds,
        case when l.is_ended then a.setup_microseconds else 0 end as setup_microseconds,
        case when l.is_ended then a.save_microseconds else 0 end as save_microseconds
    from staging.training_job_lives as l
    inner join staging.training_job_attempts as a on l.training_job_arn = a.training_job_arn
    left join staging.end_causes as c on l.training_job_arn = c.training_job_arn
),

wastes as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        case when training_job_status = 'Failed' then 'failed_job' else 'stopped_job' end as waste,
        end_cause as cause,
        coalesce(end_cause = 'user_or_api', false) as is_user_stop,
        instance_microseconds,
        gpu_microseconds
    from jobs
    where end_cause is not null
    union all
    select
        j.account_id,
        j.region,
        j.instance_type,
        j.is_spot,
        k.waste,
        k.waste as cause,
        false as is_user_stop,
        case k.waste
            when 'superseded_attempts' then j.superseded_microseconds
            when 'setup' then j.setup_microseconds
            else j.save_microseconds
        end * j.instance_count as instance_microseconds,
        case k.waste
            when 'superseded_attempts' then j.superseded_microseconds
            when 'setup' then j.setup_microseconds
            else j.save_microseconds
        end * j.gpu_count as gpu_microseconds
    from jobs as j
    cross join unnest(['superseded_attempts', 'setup', 'save']) as k (waste)
    where
        j.end_cause is null
        and case k.waste
            when 'superseded_attempts' then j.superseded_microseconds
            when 'setup' then j.setup_microseconds
            else j.save_microseconds
        end > 0
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    waste, -- Kind of waste: failed_job, stopped_job, superseded_attempts, setup or save.
    cause, -- Failure class of failed jobs, stop cause of stopped ones; else the kind of waste again.
    count(*) as jobs, -- Jobs with such waste.
    coalesce(sum(instance_microseconds) filter (where not is_user_stop), 0)
    / 3.6e9 as wasted_instance_hours, -- Instance-hours that brought nothing.
    coalesce(sum(gpu_microseconds) filter (where not is_user_stop), 0)
    / 3.6e9 as wasted_gpu_hours, -- GPU-hours that brought nothing; GPUs that are unknown count as 0.
    coalesce(sum(instance_microseconds) filter (where is_user_stop), 0)
    / 3.6e9 as user_stopped_instance_hours, -- Instance-hours of jobs that a user stopped, which may have been worth it.
    coalesce(sum(gpu_microseconds) filter (where is_user_stop), 0)
    / 3.6e9 as user_stopped_gpu_hours -- GPU-hours of jobs that a user stopped; GPUs that are unknown count as 0.
from wastes
group by account_id, region, instance_type, is_spot, waste, cause
