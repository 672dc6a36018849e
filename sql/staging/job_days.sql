-- One row per month of creation, day, account, region, instance type, and spot or not: what the jobs created in this
-- month did on that day, and for how long.
-- @incremental
-- @unique: created_month, date, account_id, region, instance_type, is_spot
-- @check nothing_negative: least(instance_microseconds, billable_instance_microseconds, trained_microseconds) >= 0

-- What each day adds: a job, or microseconds.
with uses as (
    select
        created_month,
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        count(*) filter (where is_active) as active_jobs,
        cast(
            sum(used_microseconds * cast(instance_count as decimal(19, 0))) filter (where kind = 'run')
            as decimal(38, 0)
        ) as instance_microseconds,
        cast(
            sum(used_microseconds * cast(instance_count as decimal(19, 0))) filter (
                where kind = 'run' and gpu_count is not null
            ) as decimal(38, 0)
        ) as gpu_known_instance_microseconds,
        bool_or(kind = 'run' and used_microseconds > 0) as has_runs,
        cast(
            sum(used_microseconds * cast(gpu_count as decimal(19, 0))) filter (
                where kind = 'run' and used_microseconds > 0
            ) as decimal(38, 0)
        ) as gpu_microseconds,
        cast(
            sum(billed_microseconds * cast(instance_count as decimal(19, 0))) filter (where kind = 'run')
            as decimal(38, 0)
        ) as billed_instance_microseconds
    from staging.usage_days
    group by created_month, date, account_id, region, instance_type, is_spot
),

additions as (
    select
        l.created_month,
        cast(
            local_time(
                case e.kind
                    when 'submitted' then l.creation_time
                    when 'started' then l.started_at
                    when 'ended' then case when l.is_ended then l.life_end_at end
                end
            ) as date
        ) as date,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        e.kind,
        1 as amount
    from staging.training_job_lives as l
    cross join unnest(['submitted', 'started', 'ended']) as e (kind)
    union all
    select
        u.created_month,
        u.date,
        u.account_id,
        u.region,
        u.instance_type,
        u.is_spot,
        e.kind,
        case e.kind
            when 'active' then u.active_jobs
            when 'instances' then u.instance_microseconds
            when 'gpu known instances' then u.gpu_known_instance_microseconds
            when 'gpus' then u.gpu_microseconds
            when 'billed' then u.billed_instance_microseconds
        end as amount
    from uses as u
    cross join unnest(['active', 'instances', 'gpu known instances', 'gpus', 'billed']) as e (kind)
    where e.kind <> 'gpus' or u.has_runs
    union all
    select
        created_month,
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        case when secondary_status = 'Training' then 'training' else 'other life' end as kind,
        microseconds as amount
    from staging.secondary_status_days
)

select
    created_month,
    date, -- Day of the time zone.
    cast(date_trunc('month', date) as date) as month, -- First day of its month.
    account_id,
    region,
    instance_type,
    is_spot,
    cast(coalesce(sum(amount) filter (where kind = 'submitted'), 0) as bigint)
        as submitted_jobs, -- Jobs created on this day.
    cast(coalesce(sum(amount) filter (where kind = 'started'), 0) as bigint)
        as started_jobs, -- Jobs that started on this day.
    cast(coalesce(sum(amount) filter (where kind = 'active'), 0) as bigint)
        as active_jobs, -- Jobs that ran at some instant of this day.
    cast(coalesce(sum(amount) filter (where kind = 'ended'), 0) as bigint)
        as ended_jobs, -- Jobs whose life ended on this day.
    cast(coalesce(sum(amount) filter (where kind = 'instances'), 0) as decimal(38, 0))
        as instance_microseconds, -- Time times instances; unknown counts as 0.
    cast(coalesce(sum(amount) filter (where kind = 'gpu known instances'), 0) as decimal(38, 0))
        as gpu_known_instance_microseconds, -- Time times instances of those whose GPUs are known.
    count(*) filter (where kind = 'gpus') > 0 as has_runs, -- Whether any ran for some time.
    cast(sum(amount) filter (where kind = 'gpus') as decimal(38, 0))
        as gpu_microseconds, -- Time times GPUs; null if nothing ran, or nothing of known GPUs.
    cast(sum(amount) filter (where kind = 'billed') as decimal(38, 0))
        as billable_instance_microseconds, -- Billed time times instances, of those of known bill; null if of none.
    cast(coalesce(sum(amount) filter (where kind = 'training'), 0) as decimal(38, 0))
        as trained_microseconds, -- Time that jobs spent in Training.
    cast(coalesce(sum(amount) filter (where kind in ('training', 'other life')), 0) as decimal(38, 0))
        as life_microseconds -- Time that they lived.
from additions
where date is not null
group by created_month, date, account_id, region, instance_type, is_spot
