-- One row per measure (`queue_wait` or `run_time`), scope and its values: how long it takes, estimated by Kaplan and
-- Meier from all jobs, those still at it or given up included: they count for as long as they were seen. Scopes: `all`;
-- of queue waits `month` of creation and `dimensions` (account, region, instance type, spot or not); of run times
-- `instance_type`.
-- @unique: measure, scope, month, account_id, region, instance_type, is_spot
-- @check quantiles_in_order: p90_microseconds is null or p50_microseconds <= p90_microseconds

with waits as (
    select
        cast(date_trunc('month', local_time(creation_time)) as date) as month,
        account_id,
        region,
        instance_type,
        is_spot,
        coalesce(
            wait_microseconds,
            case when is_ended then lifetime_microseconds else epoch_us(observed_at) - epoch_us(creation_time) end
        ) as microseconds,
        is_started
    from staging.training_job_lives
),

-- Of the jobs that took at least so long, some are over then; the others leave unseen.
lengths as (
    select
        'queue_wait' as measure,
        case
            when grouping(month) = 0 then 'month' when grouping(instance_type) = 0 then 'dimensions' else 'all'
        end as scope,
        month,
        account_id,
        region,
        instance_type,
        is_spot,
        microseconds,
        count(*) as jobs,
        count(*) filter (where is_started) as jobs_over
    from waits
    group by
        grouping sets (
            (month, microseconds), (account_id, region, instance_type, is_spot, microseconds), (microseconds)
        )
    union all
    select
        'run_time' as measure,
        case when grouping(instance_type) = 0 then 'instance_type' else 'all' end as scope,
        null as month,
        null as account_id,
        null as region,
        instance_type,
        null as is_spot,
        run_microseconds as microseconds,
        count(*) as jobs,
        count(*) filter (where is_run_ended) as jobs_over
    from staging.training_job_lives
    where is_started
    group by grouping sets ((instance_type, run_microseconds), (run_microseconds))
),

lengths_at_risk as (
    select
        *,
        -- As DOUBLE, exact for counts: DuckDB's running sums of integers are slow.
        sum(cast(jobs as double)) over (
            partition by measure, scope, month, account_id, region, instance_type, is_spot order by microseconds desc
        ) as jobs_at_risk
    from lengths
),

survivals as (
    select
        measure,
        scope,
        month,
        account_id,
        region,
        instance_type,
        is_spot,
        microseconds,
        case
            when jobs_over = jobs_at_risk then 0
            else exp(
                sum(case when jobs_over < jobs_at_risk then ln(1 - jobs_over / jobs_at_risk) else 0 end) over (
                    partition by measure, scope, month, account_id, region, instance_type, is_spot
                    order by microseconds
                )
            )
        end as survival
    from lengths_at_risk
)

select
    measure, -- What takes time: `queue_wait` or `run_time`.
    scope, -- Over what: `month`, `dimensions`, `instance_type` or `all`.
    month, -- First day of the month of creation; null for other scopes.
    account_id,
    region,
    instance_type,
    is_spot,
    min(microseconds) filter (where survival <= 0.5 + 1e-12) as p50_microseconds, -- Median; null if too few are over.
    min(microseconds) filter (where survival <= 0.1 + 1e-12)
        as p90_microseconds -- 90th percentile; null if too few are over.
from survivals
group by measure, scope, month, account_id, region, instance_type, is_spot
