-- One row per account, region, instance type, and spot or not, with a run that is over: how much longer jobs took for
-- having waited (M08). The expansion factor of a run without length is not defined; the bounded slowdown counts every
-- run as at least 10 seconds long, so that tiny jobs do not rule it.
-- @unique: account_id, region, instance_type, is_spot
-- @check never_below_one: coalesce(expansion_factor, 1) >= 1 and mean_bounded_slowdown >= 1
-- @check quantiles_in_order: p50_bounded_slowdown between 1 and p90_bounded_slowdown

with slowdowns as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        wait_microseconds,
        run_microseconds,
        (wait_microseconds + run_microseconds) / nullif(run_microseconds, 0) as expansion_factor,
        greatest(1, (wait_microseconds + run_microseconds) / greatest(run_microseconds, 10000000)) as bounded_slowdown
    from staging.training_job_lives
    where is_run_ended
),

totals as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        count(*) as jobs,
        count(*) filter (where run_microseconds = 0) as zero_length_jobs,
        cast(sum(wait_microseconds) as decimal(38, 0)) as wait_microseconds,
        cast(sum(run_microseconds) as decimal(38, 0)) as run_microseconds,
        quantile_cont(expansion_factor, [0.5, 0.9, 0.99]) as expansion_factors,
        quantile_cont(bounded_slowdown, [0.5, 0.9, 0.99]) as bounded_slowdowns,
        -- As decimals: a sum of DOUBLEs depends on their order.
        cast(sum(cast(bounded_slowdown as decimal(28, 12))) as double) as bounded_slowdown
    from slowdowns
    group by account_id, region, instance_type, is_spot
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    jobs, -- Jobs that started and whose run is over.
    zero_length_jobs, -- Those of them whose run has no length: they have no expansion factor.
    (wait_microseconds + run_microseconds)
    / nullif(run_microseconds, 0) as expansion_factor, -- (Wait + run) / run, over all jobs together; null if none ran.
    expansion_factors[1] as p50_expansion_factor, -- Median of the jobs' own factors; null if none has one.
    expansion_factors[2] as p90_expansion_factor, -- 90th percentile of the jobs' own factors; null if none has one.
    expansion_factors[3] as p99_expansion_factor, -- 99th percentile of the jobs' own factors; null if none has one.
    bounded_slowdown / jobs as mean_bounded_slowdown, -- Mean of max(1, (wait + run) / max(run, 10 s)).
    bounded_slowdowns[1] as p50_bounded_slowdown, -- Median of the jobs' own bounded slowdowns.
    bounded_slowdowns[2] as p90_bounded_slowdown, -- 90th percentile of the jobs' own bounded slowdowns.
    bounded_slowdowns[3] as p99_bounded_slowdown, -- 99th percentile of the jobs' own bounded slowdowns.
    jobs < 20 as is_small_sample -- Whether there are fewer than 20 jobs.
from totals
