-- One row per scope, account, region, instance type, spot or not, attempt and secondary status: the time that jobs
-- spent in it, and its spread over the jobs. Scopes: `job` (attempts together; attempt is null) and `attempt`.
-- @unique: scope, account_id, region, instance_type, is_spot, attempt, secondary_status
-- @check quantiles_in_order: p50_seconds <= p90_seconds and p90_seconds <= p99_seconds

with totals as (
    select
        scope,
        account_id,
        region,
        instance_type,
        is_spot,
        attempt,
        secondary_status,
        phase,
        count(*) as jobs,
        cast(sum(visits) as bigint) as visits,
        cast(sum(spent_microseconds) as decimal(38, 0)) as microseconds,
        quantile_cont(spent_microseconds, [0.5, 0.9, 0.99]) as quantiles_microseconds
    from staging.secondary_status_job_times
    group by scope, account_id, region, instance_type, is_spot, attempt, secondary_status, phase
)

select
    scope, -- Over what is counted: `job` or `attempt`.
    account_id,
    region,
    instance_type,
    is_spot,
    attempt, -- Attempt at running, from 1; null for all together.
    secondary_status, -- Secondary status, as the API names it, or Unattributed.
    phase,
    jobs, -- Jobs that entered the status; of an attempt, in that one.
    visits, -- Visits to the status.
    microseconds / 1e6 as seconds, -- Seconds spent in the status, over all jobs.
    microseconds / nullif(
        sum(microseconds) over (partition by scope, account_id, region, instance_type, is_spot, attempt), 0
    ) as time_share, -- Share of the status in the time of all of them; null if that is 0.
    microseconds / jobs / 1e6 as mean_seconds, -- Mean of a job's seconds in the status, over the jobs that entered it.
    quantiles_microseconds[1] / 1e6 as p50_seconds, -- Median over the jobs that entered it.
    quantiles_microseconds[2] / 1e6 as p90_seconds, -- 90th percentile over the jobs that entered it.
    quantiles_microseconds[3] / 1e6 as p99_seconds, -- 99th percentile over the jobs that entered it.
    jobs < 20 as is_small_sample -- Whether fewer than 20 jobs entered it.
from totals
