-- One row per scope and its month of creation, or account, region, instance type and spot or not: how long jobs waited
-- to start. Scopes: `month`, `dimensions` and `all` (one row); what is of another scope is null. Quantiles over started
-- jobs alone are too low: the Kaplan-Meier ones also count the jobs that gave up or still wait.
-- @unique: scope, month, account_id, region, instance_type, is_spot
-- @check waits_not_negative: coalesce(p50_seconds, 0) >= 0 and abandoned_seconds >= 0
-- @check quantiles_in_order: p50_seconds is null or (p50_seconds <= p90_seconds and p90_seconds <= p99_seconds)

with waits as (
    select
        cast(date_trunc('month', local_time(creation_time)) as date) as month,
        account_id,
        region,
        instance_type,
        is_spot,
        is_started,
        is_never_started,
        wait_microseconds,
        lifetime_microseconds
    from staging.training_job_lives
),

summaries as (
    select
        case
            when grouping(month) = 0 then 'month' when grouping(instance_type) = 0 then 'dimensions' else 'all'
        end as scope,
        month,
        account_id,
        region,
        instance_type,
        is_spot,
        count(*) filter (where is_started) as started_jobs,
        count(*) filter (where is_never_started) as never_started_jobs,
        cast(sum(wait_microseconds) as decimal(38, 0)) as waited_microseconds,
        quantile_cont(wait_microseconds, [0.5, 0.9, 0.99]) as wait_quantiles_microseconds,
        cast(sum(lifetime_microseconds) filter (where is_never_started) as decimal(38, 0)) as abandoned_microseconds
    from waits
    group by grouping sets ((month), (account_id, region, instance_type, is_spot), ())
)

select
    s.scope, -- Over what is counted: `month`, `dimensions` or `all`.
    s.month, -- First day of the month in which the jobs were created; null for other scopes.
    s.account_id,
    s.region,
    s.instance_type,
    s.is_spot,
    s.started_jobs, -- Jobs that started.
    s.never_started_jobs, -- Jobs that ended without having started.
    s.waited_microseconds / s.started_jobs / 1e6 as mean_seconds, -- Mean wait of started jobs; null if there are none.
    s.wait_quantiles_microseconds[1] / 1e6 as p50_seconds, -- Median wait of started jobs; null if there are none.
    s.wait_quantiles_microseconds[2] / 1e6 as p90_seconds, -- 90th percentile of started jobs; null if none.
    s.wait_quantiles_microseconds[3] / 1e6 as p99_seconds, -- 99th percentile of started jobs; null if none.
    k.p50_microseconds / 1e6 as km_p50_seconds, -- Kaplan-Meier median wait of all jobs; null if too few have started.
    k.p90_microseconds / 1e6 as km_p90_seconds, -- Kaplan-Meier 90th percentile; null if too few have started.
    coalesce(s.abandoned_microseconds, 0) / 1e6 as abandoned_seconds, -- Time that never-started jobs waited in vain.
    s.started_jobs < 20 as is_small_sample -- Whether started_jobs are fewer than 20.
from summaries as s
left join staging.kaplan_meier as k
    on
        k.measure = 'queue_wait'
        and s.scope = k.scope
        and s.month is not distinct from k.month
        and s.account_id is not distinct from k.account_id
        and s.region is not distinct from k.region
        and s.instance_type is not distinct from k.instance_type
        and s.is_spot is not distinct from k.is_spot
