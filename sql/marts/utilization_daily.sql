-- One row per UTC day, account, region, instance type, and spot or not, on which anything happened: jobs that came and
-- went, hours used and hours billed. Hours of a run that crosses midnight are split, so that days add up to the total;
-- billed hours are spread evenly over the run.
-- @unique: date, account_id, region, instance_type, is_spot
-- @check nothing_negative: instance_hours >= 0 and coalesce(gpu_hours, 0) >= 0 and billable_instance_hours >= 0
-- @check share_is_a_share: training_share is null or training_share between 0 and 1

with billed_runs as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        run_microseconds,
        billable_instance_microseconds,
        -- What cannot be spread over a run is billed where the job's life ends.
        case when run_microseconds > 0 then started_at else life_end_at end as billed_from,
        case when run_microseconds > 0 then run_end_at else life_end_at end as billed_to
    from staging.training_job_lives
    where billable_instance_microseconds > 0
),

billed_days as (
    select
        r.account_id,
        r.region,
        r.instance_type,
        r.is_spot,
        cast(t.day as date) as date,
        r.run_microseconds,
        r.billable_instance_microseconds,
        greatest(0, epoch_us(t.day) - epoch_us(r.billed_from)) as microseconds_before,
        least(r.run_microseconds, epoch_us(t.day + interval 1 day) - epoch_us(r.billed_from)) as microseconds_until
    from billed_runs as r
    cross join unnest(
        generate_series(date_trunc('day', r.billed_from), date_trunc('day', r.billed_to), interval 1 day)
    ) as t (day)
),

-- Rounded down to whole microseconds, exactly: what is left over the divisor goes first.
billed_parts as (
    select
        *,
        cast(
            round((product_until - product_until % run_microseconds) / run_microseconds) as decimal(38, 0)
        ) as billed_until,
        cast(
            round((product_before - product_before % run_microseconds) / run_microseconds) as decimal(38, 0)
        ) as billed_before
    from (
        select
            *,
            billable_instance_microseconds * cast(microseconds_until as decimal(19, 0)) as product_until,
            billable_instance_microseconds * cast(microseconds_before as decimal(19, 0)) as product_before
        from billed_days
    ) as p
),

-- What each day adds: a job, or microseconds.
additions as (
    select
        cast(
            case e.kind
                when 'submitted' then l.creation_time
                when 'started' then l.started_at
                when 'ended' then case when l.is_ended then l.life_end_at end
            end as date
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
        cast(c.hour as date) as date,
        c.account_id,
        c.region,
        c.instance_type,
        c.is_spot,
        e.kind,
        case
            when e.kind = 'instances' then c.instance_microseconds
            when c.gpu_known_jobs > 0 or c.mean_jobs = 0 then c.gpu_microseconds
        end as amount
    from staging.concurrency as c
    cross join unnest(['instances', 'gpus']) as e (kind)
    where c.scope = 'dimensions'
    union all
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        'billed' as kind,
        case
            when run_microseconds = 0 then billable_instance_microseconds
            -- What is billed up to a midnight is the same for both its days: so the days of a job add up.
            else billed_until - billed_before
        end as amount
    from billed_parts
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
        cast(coalesce(sum(amount) filter (where kind = 'ended'), 0) as bigint) as ended_jobs,
        cast(coalesce(sum(amount) filter (where kind = 'instances'), 0) as decimal(38, 0)) as instance_microseconds,
        -- Null if something ran, but nothing of known GPUs.
        case
            when count(*) filter (where kind = 'gpus') = 0 then 0
            else cast(sum(amount) filter (where kind = 'gpus') as decimal(38, 0))
        end as gpu_microseconds,
        cast(coalesce(sum(amount) filter (where kind = 'billed'), 0) as decimal(38, 0)) as billable_instance_microseconds,
        cast(coalesce(sum(amount) filter (where kind = 'training'), 0) as decimal(38, 0)) as training_microseconds,
        cast(coalesce(sum(amount) filter (where kind in ('training', 'other life')), 0) as decimal(38, 0)) as life_microseconds
    from additions
    where date is not null
    group by date, account_id, region, instance_type, is_spot
)

select
    date, -- Day (UTC).
    account_id,
    region,
    instance_type,
    is_spot,
    submitted_jobs, -- Jobs created on this day.
    started_jobs, -- Jobs that started on this day.
    ended_jobs, -- Jobs whose life ended on this day.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances used; unknown counts as 0.
    gpu_microseconds / 3.6e9 as gpu_hours, -- Hours of GPUs used; null if jobs ran, but none of known GPUs.
    billable_instance_microseconds / 3.6e9
        as billable_instance_hours, -- Billed hours times instances; jobs without a bill as 0.
    training_microseconds
    / nullif(life_microseconds, 0) as training_share -- Share of Training in the lifetime of jobs; null if that is 0.
from totals
where
    submitted_jobs + started_jobs + ended_jobs > 0
    or life_microseconds + instance_microseconds + billable_instance_microseconds > 0
