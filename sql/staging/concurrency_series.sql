-- One row per month and series of concurrency: one for each account, region, instance type, and spot or not of which a
-- job ran in the month, and one for the whole fleet, in every month from the first run to the last. Its number stands
-- for all of these where there are many rows. What ran as the month began is what came and went before.
-- @unique: month, series
-- @unique: month, scope, account_id, region, instance_type, is_spot
-- @check nothing_negative: jobs >= 0 and instances >= 0 and gpus >= 0 and gpu_known_jobs >= 0

with changes as (
    select
        case when grouping(account_id) = 1 then 'fleet' else 'dimensions' end as scope,
        account_id,
        region,
        instance_type,
        is_spot,
        cast(month as timestamp) as month_start,
        min(instant) as first_at,
        max(instant) as last_at,
        cast(sum(jobs) as bigint) as jobs,
        cast(sum(instances) as bigint) as instances,
        cast(sum(gpus) as bigint) as gpus,
        cast(sum(gpu_known_jobs) as bigint) as gpu_known_jobs
    from staging.run_steps
    group by grouping sets ((account_id, region, instance_type, is_spot, month), (month))
),

levels as (
    select
        *,
        cast(sum(jobs) over by_month as bigint) as jobs_after,
        cast(sum(instances) over by_month as bigint) as instances_after,
        cast(sum(gpus) over by_month as bigint) as gpus_after,
        cast(sum(gpu_known_jobs) over by_month as bigint) as gpu_known_jobs_after,
        lead(month_start) over by_month as next_month_start,
        date_trunc('day', local_time(min(first_at) over (partition by scope))) as first_day,
        date_trunc('day', local_time(max(last_at) over (partition by scope))) as last_day
    from changes
    window by_month as (partition by scope, account_id, region, instance_type, is_spot order by month_start)
),

-- Months in which nothing came or went, but something ran.
months as (
    select
        l.*,
        t.month_start = l.month_start as is_changed,
        cast(t.month_start as timestamp) as own_month_start
    from levels as l
    cross join unnest(
        generate_series(
            l.month_start,
            case
                when l.jobs_after > 0 or l.scope = 'fleet'
                    then greatest(l.month_start, coalesce(l.next_month_start - interval 1 month, l.month_start))
                else l.month_start
            end,
            interval 1 month
        )
    ) as t (month_start)
)

select
    cast(own_month_start as date) as month, -- First day of the month, of the time zone.
    case
        when scope = 'fleet' then 0
        else row_number() over (partition by own_month_start, scope order by account_id, region, instance_type, is_spot)
    end as series, -- Number of the series in this month; 0 is the whole fleet.
    scope, -- Over what is counted: `dimensions`, or `fleet`, whose dimensions are null.
    account_id,
    region,
    instance_type,
    is_spot,
    case
        when scope = 'fleet'
            then greatest(utc_time(own_month_start), utc_time(first_day))
        else utc_time(own_month_start)
    end as from_at, -- Instant (UTC) from which it is told: the month's first, or of the fleet that of its first day.
    case
        when scope = 'fleet'
            then least(
                utc_time(own_month_start + interval 1 month),
                utc_time(last_day + interval 1 day)
            )
        else utc_time(own_month_start + interval 1 month)
    end as until_at, -- Instant (UTC) up to which it is told: the month's end, or of the fleet that of its last day.
    jobs_after - case when is_changed then jobs else 0 end as jobs, -- Jobs running as the month began.
    instances_after - case when is_changed then instances else 0 end as instances, -- Instances in use then.
    gpus_after - case when is_changed then gpus else 0 end as gpus, -- GPUs in use then.
    gpu_known_jobs_after - case when is_changed then gpu_known_jobs else 0 end
        as gpu_known_jobs -- Those of the jobs whose GPUs are known.
from months
