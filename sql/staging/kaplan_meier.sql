-- One row per measure (`queue_wait` or `run_time`) and its part (`all`, a month of creation of queue waits, an instance
-- type of run times): how long it takes, estimated by Kaplan and Meier from all jobs, those still at it or given up
-- included: they count for as long as they were seen.
-- @unique: measure, month, instance_type, is_part
-- @check quantiles_in_order: p90_microseconds is null or p50_microseconds <= p90_microseconds

with durations as (
    select
        'queue_wait' as measure,
        cast(date_trunc('month', local_time(creation_time)) as date) as month,
        null as instance_type,
        coalesce(wait_microseconds, lifetime_microseconds) as microseconds,
        is_started as is_over
    from staging.training_job_lives
    union all
    select
        'run_time' as measure,
        null as month,
        instance_type,
        run_microseconds as microseconds,
        is_run_ended as is_over
    from staging.training_job_lives
    where is_started
),

-- Of the jobs that took at least so long, some are over then; the others leave unseen.
lengths as (
    select
        measure,
        grouping(month) = 0 as is_part,
        month,
        instance_type,
        microseconds,
        count(*) as jobs,
        count(*) filter (where is_over) as jobs_over
    from durations
    group by grouping sets ((measure, month, instance_type, microseconds), (measure, microseconds))
),

lengths_at_risk as (
    select
        *,
        -- As DOUBLE, exact for counts: DuckDB's running sums of integers are slow.
        sum(cast(jobs as double)) over (
            partition by measure, is_part, month, instance_type order by microseconds desc
        ) as jobs_at_risk
    from lengths
),

survivals as (
    select
        measure,
        is_part,
        month,
        instance_type,
        microseconds,
        case
            when jobs_over = jobs_at_risk then 0
            else exp(
                sum(case when jobs_over < jobs_at_risk then ln(1 - jobs_over / jobs_at_risk) else 0 end) over (
                    partition by measure, is_part, month, instance_type order by microseconds
                )
            )
        end as survival
    from lengths_at_risk
)

select
    measure, -- What takes time: `queue_wait` or `run_time`.
    is_part, -- Whether it is of one month or instance type, not of all jobs.
    month, -- First day of the month of creation; null for all, and of run times.
    instance_type, -- Instance type; null for all, and of queue waits.
    min(microseconds) filter (where survival <= 0.5 + 1e-12) as p50_microseconds, -- Median; null if too few are over.
    min(microseconds) filter (where survival <= 0.1 + 1e-12)
        as p90_microseconds -- 90th percentile; null if too few are over.
from survivals
group by measure, is_part, month, instance_type
