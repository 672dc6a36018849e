-- One row per day, account, region, instance type, and spot or not, on which anything happened: jobs that came and
-- went, hours used and hours billed. Hours of a run that crosses midnight are split, so that days add up to the total;
-- billed hours are spread evenly over the run (M01, M02, M03, M04, M05).
-- @unique: date, account_id, region, instance_type, is_spot
-- @check nothing_negative: instance_hours >= 0 and coalesce(gpu_hours, 0) >= 0 and billable_instance_hours >= 0
-- @check share_is_a_share: coalesce(training_share, 0) between 0 and 1 and coalesce(gpu_known_share, 0) between 0 and 1

-- What each day adds: a job, or microseconds.
with uses as (
    select
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
        -- Null if something ran, but nothing of known GPUs.
        case
            when count(*) filter (where kind = 'run' and used_microseconds > 0) > 0
                then cast(
                    sum(used_microseconds * cast(gpu_count as decimal(19, 0))) filter (
                        where kind = 'run' and used_microseconds > 0
                    ) as decimal(38, 0)
                )
            else 0
        end as gpu_microseconds,
        cast(
            sum(billed_microseconds * cast(instance_count as decimal(19, 0))) filter (where kind = 'run')
            as decimal(38, 0)
        ) as billed_instance_microseconds
    from staging.usage_days
    group by date, account_id, region, instance_type, is_spot
),

additions as (
    select
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
    union all
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        case when secondary_status = 'Training' then 'training' else 'other life' end as kind,
        microseconds as amount
    from staging.secondary_status_days
),

totals as (
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        cast(coalesce(sum(amount) filter (where kind = 'submitted'), 0) as bigint) as submitted_jobs,
        cast(coalesce(sum(amount) filter (where kind = 'started'), 0) as bigint) as started_jobs,
        cast(coalesce(sum(amount) filter (where kind = 'active'), 0) as bigint) as active_jobs,
        cast(coalesce(sum(amount) filter (where kind = 'ended'), 0) as bigint) as ended_jobs,
        cast(coalesce(sum(amount) filter (where kind = 'instances'), 0) as decimal(38, 0)) as instance_microseconds,
        cast(
            coalesce(sum(amount) filter (where kind = 'gpu known instances'), 0) as decimal(38, 0)
        ) as gpu_known_instance_microseconds,
        case
            when count(*) filter (where kind = 'gpus') = 0 then 0
            else cast(sum(amount) filter (where kind = 'gpus') as decimal(38, 0))
        end as gpu_microseconds,
        cast(
            coalesce(sum(amount) filter (where kind = 'billed'), 0) as decimal(38, 0)
        ) as billable_instance_microseconds,
        cast(coalesce(sum(amount) filter (where kind = 'training'), 0) as decimal(38, 0)) as training_microseconds,
        cast(
            coalesce(sum(amount) filter (where kind in ('training', 'other life')), 0) as decimal(38, 0)
        ) as life_microseconds
    from additions
    where date is not null
    group by date, account_id, region, instance_type, is_spot
)

select
    date, -- Day of the time zone.
    account_id,
    region,
    instance_type,
    is_spot,
    submitted_jobs, -- Jobs created on this day.
    started_jobs, -- Jobs that started on this day.
    active_jobs, -- Jobs that ran at some instant of this day; they do not add up over days.
    ended_jobs, -- Jobs whose life ended on this day.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances used; unknown counts as 0.
    gpu_microseconds / 3.6e9 as gpu_hours, -- Hours of GPUs used; null if jobs ran, but none of known GPUs.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    billable_instance_microseconds / 3.6e9
        as billable_instance_hours, -- Billed hours times instances; jobs without a bill as 0.
    training_microseconds
    / nullif(life_microseconds, 0) as training_share -- Share of Training in the lifetime of jobs; null if that is 0.
from totals
where
    submitted_jobs + started_jobs + active_jobs + ended_jobs > 0
    or life_microseconds + instance_microseconds + billable_instance_microseconds > 0
