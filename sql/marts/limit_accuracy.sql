-- One row per account, region, instance type, spot or not, and default limit or not: how close the runs that are over
-- came to the MaxRuntimeInSeconds that they were given. A limit of a day is SageMaker's default, which nobody may have
-- chosen. Jobs without a limit are left out. Metric M24.
-- @unique: account_id, region, instance_type, is_spot, is_default_limit
-- @check counts_are_of_the_jobs: under_tenth_jobs + at_limit_jobs <= jobs
-- @check quantiles_in_order: p50_limit_share <= p90_limit_share and p90_limit_share <= p99_limit_share

with runs as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        max_runtime_in_seconds = 86400 as is_default_limit,
        run_microseconds,
        cast(max_runtime_in_seconds as decimal(19, 0)) * 1000000 as limit_microseconds,
        coalesce(secondary_status = 'MaxRuntimeExceeded', false) as is_stopped_by_limit
    from staging.training_job_lives
    where is_run_ended and max_runtime_in_seconds > 0
),

judged as (
    select
        *,
        run_microseconds / limit_microseconds as limit_share,
        is_stopped_by_limit or run_microseconds >= limit_microseconds as is_at_limit
    from runs
),

totals as (
    select
        account_id,
        region,
        instance_type,
        is_spot,
        is_default_limit,
        count(*) as jobs,
        count(*) filter (
            where not is_at_limit and run_microseconds * cast(10 as decimal(19, 0)) < limit_microseconds
        ) as under_tenth_jobs,
        count(*) filter (where is_at_limit) as at_limit_jobs,
        cast(sum(run_microseconds) as decimal(38, 0)) as run_microseconds,
        cast(sum(limit_microseconds) as decimal(38, 0)) as limit_microseconds,
        quantile_cont(limit_share, [0.5, 0.9, 0.99]) as limit_shares
    from judged
    group by account_id, region, instance_type, is_spot, is_default_limit
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    is_default_limit, -- Whether their limit is 86,400 seconds, which is what SageMaker takes where none is given.
    jobs, -- Jobs that started, whose run is over, and that have a limit.
    run_microseconds / limit_microseconds as limit_share, -- Seconds run over seconds allowed, of all of them together.
    limit_shares[1] as p50_limit_share, -- Median of the jobs' own shares.
    limit_shares[2] as p90_limit_share, -- 90th percentile of the jobs' own shares.
    limit_shares[3] as p99_limit_share, -- The 99th; above 1 if interruptions or uploads made a run longer.
    under_tenth_jobs, -- Jobs that ran for less than a tenth of their limit, and were not stopped for it.
    under_tenth_jobs / jobs as under_tenth_share, -- Share of under_tenth_jobs in the jobs (0 to 1).
    wilson_low(under_tenth_jobs, jobs)
        as under_tenth_share_low, -- Lower end of the 95 % interval (Wilson) of under_tenth_share.
    wilson_high(under_tenth_jobs, jobs)
        as under_tenth_share_high, -- Upper end of the 95 % interval (Wilson) of under_tenth_share.
    at_limit_jobs, -- Jobs that ran for as long as their limit, or that SageMaker stopped for it (MaxRuntimeExceeded).
    at_limit_jobs / jobs as at_limit_share, -- Share of at_limit_jobs in the jobs (0 to 1).
    wilson_low(at_limit_jobs, jobs)
        as at_limit_share_low, -- Lower end of the 95 % interval (Wilson) of at_limit_share.
    wilson_high(at_limit_jobs, jobs)
        as at_limit_share_high, -- Upper end of the 95 % interval (Wilson) of at_limit_share.
    jobs < 20 as is_small_sample -- Whether there are fewer than 20 jobs.
from totals
