-- One row per month of creation, account, region, instance type, spot or not, kind of waste, and cause: instance time
-- of jobs created in this month that brought nothing. `failed_job` and `stopped_job` are of all runs of jobs that
-- ended so, by failure class or stop cause; of other jobs `superseded_attempts` before an interruption, and of
-- completed ones `setup` and `save` of the last attempt, within the run. Jobs that never started wasted nothing.
-- @incremental
-- @unique: created_month, account_id, region, instance_type, is_spot, waste, cause
-- @check nothing_negative: coalesce(instance_microseconds, 0) >= 0 and coalesce(gpu_microseconds, 0) >= 0

with jobs as (
    select
        l.created_month,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        -- As decimals: products can be beyond BIGINT.
        cast(l.instance_count as decimal(19, 0)) as instance_count,
        cast(l.gpu_count as decimal(19, 0)) as gpu_count,
        w.waste,
        case w.waste
            when 'superseded_attempts' then a.superseded_microseconds
            when 'setup' then case when l.is_ended then a.setup_microseconds else 0 end
            else case when l.is_ended then a.save_microseconds else 0 end
        end as microseconds
    from staging.training_job_lives as l
    inner join staging.training_job_attempts as a on l.training_job_arn = a.training_job_arn
    left join staging.end_causes as c on l.training_job_arn = c.training_job_arn
    cross join unnest(['superseded_attempts', 'setup', 'save']) as w (waste)
    where c.end_cause is null
),

wastes as (
    select
        created_month,
        account_id,
        region,
        instance_type,
        is_spot,
        case when training_job_status = 'Failed' then 'failed_job' else 'stopped_job' end as waste,
        end_cause as cause,
        jobs,
        instance_microseconds,
        gpu_microseconds,
        gpu_known_instance_microseconds
    from staging.job_totals
    where end_cause is not null and is_started
    union all
    select
        created_month,
        account_id,
        region,
        instance_type,
        is_spot,
        waste,
        waste as cause,
        1 as jobs,
        microseconds * instance_count as instance_microseconds,
        microseconds * gpu_count as gpu_microseconds,
        case when gpu_count is null then 0 else microseconds * instance_count end as gpu_known_instance_microseconds
    from jobs
    where microseconds > 0
)

select
    created_month,
    account_id,
    region,
    instance_type,
    is_spot,
    waste, -- Kind of waste: failed_job, stopped_job, superseded_attempts, setup or save.
    cause, -- Failure class of failed jobs, stop cause of stopped ones; else the kind of waste again.
    cast(sum(jobs) as bigint) as jobs, -- Jobs with such waste.
    cast(sum(instance_microseconds) as decimal(38, 0))
        as instance_microseconds, -- Instance time that brought nothing; null if all are unknown.
    cast(sum(gpu_microseconds) as decimal(38, 0))
        as gpu_microseconds, -- GPU time that brought nothing; null if all are unknown.
    cast(sum(gpu_known_instance_microseconds) as decimal(38, 0))
        as gpu_known_instance_microseconds -- Instance time that brought nothing, of those whose GPUs are known.
from wastes
group by created_month, account_id, region, instance_type, is_spot, waste, cause
