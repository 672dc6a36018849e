-- One row per size bucket and scope of failures: how often jobs failed for the time that their instances ran, and the
-- mean time to failure, with exact intervals of 95 % (Garwood). Buckets are of a job's GPUs: `0`, `1`, `2-4`, `5-8`,
-- `>8`, `unknown`, and `all`. Scopes are `all` failures, and `infrastructure`: those of classes that
-- reference.failure_rules gives to AWS to mend. Only failures of jobs that had started count, for only these had
-- instances; open jobs' instances count up to observed_at, and beside it stand the same rates over the node-days of
-- jobs that ended alone. Jobs of unknown instance counts are left out. Without failures there is no mean time to
-- failure, but a lower end of its interval. Metric M18.
-- @unique: size_bucket, failure_scope
-- @check rate_not_below_its_interval: node_days = 0 or failures_per_1000_node_days >= failures_per_1000_node_days_low
-- @check rate_not_above_its_interval: node_days = 0 or failures_per_1000_node_days < failures_per_1000_node_days_high
-- @check ended_rate_not_below: ended_node_days = 0 or failures_per_1000_ended_node_days >= failures_per_1000_node_days
-- @check failures_are_of_started_jobs: failures <= started_jobs

with jobs as (
    select
        size_bucket(gpu_count) as size_bucket,
        end_month is not null as is_ended,
        training_job_status = 'Failed' as is_failed,
        coalesce(end_actor = 'aws', false) as is_infrastructure,
        counted_jobs,
        instance_microseconds
    from staging.job_totals
    where is_started and counted_jobs > 0
),

totals as (
    select
        case when grouping(size_bucket) = 1 then 'all' else size_bucket end as size_bucket,
        cast(coalesce(sum(counted_jobs), 0) as bigint) as started_jobs,
        coalesce(sum(instance_microseconds), 0) / 8.64e10 as node_days,
        coalesce(sum(instance_microseconds) filter (where not is_ended), 0) / 8.64e10 as open_node_days,
        coalesce(sum(instance_microseconds) filter (where is_ended), 0) / 8.64e10 as ended_node_days,
        cast(coalesce(sum(counted_jobs) filter (where is_failed), 0) as bigint) as all_failures,
        cast(
            coalesce(sum(counted_jobs) filter (where is_failed and is_infrastructure), 0) as bigint
        ) as infrastructure_failures
    from jobs
    group by grouping sets ((size_bucket), ())
),

scopes as (
    select
        t.size_bucket,
        s.failure_scope,
        t.started_jobs,
        t.node_days,
        t.open_node_days,
        t.ended_node_days,
        case s.failure_scope when 'all' then t.all_failures else t.infrastructure_failures end as failures
    from totals as t
    cross join unnest(['all', 'infrastructure']) as s (failure_scope)
),

bounds as (
    select
        *,
        poisson_low(failures) as failures_low,
        poisson_high(failures) as failures_high
    from scopes
)

select
    size_bucket, -- GPUs of the jobs: 0, 1, 2-4, 5-8, >8, unknown, or all of them together.
    failure_scope, -- Which failures count: `all`, or `infrastructure` for those that AWS is to mend.
    started_jobs, -- Jobs that started, of known instance counts.
    failures, -- Those of them that failed, within the scope.
    node_days, -- Days of their instances in use.
    open_node_days, -- Those of the node_days that belong to jobs which had not ended when last seen.
    ended_node_days, -- Those of the node_days that belong to jobs which ended.
    1000 * failures
    / nullif(node_days, 0) as failures_per_1000_node_days, -- Failures per 1,000 node-days; null if there are none.
    1000 * failures_low
    / nullif(node_days, 0) as failures_per_1000_node_days_low, -- Lower end of its interval; 0 without failures.
    1000 * failures_high / nullif(node_days, 0) as failures_per_1000_node_days_high, -- Upper end of its interval.
    1000 * failures
    / nullif(ended_node_days, 0) as failures_per_1000_ended_node_days, -- Failures per 1,000 ended_node_days.
    1000 * failures_low
    / nullif(ended_node_days, 0) as failures_per_1000_ended_node_days_low, -- Lower end of its interval.
    1000 * failures_high
    / nullif(ended_node_days, 0) as failures_per_1000_ended_node_days_high, -- Upper end of its interval.
    24 * node_days / nullif(failures, 0) as mttf_node_hours, -- Mean node-hours to a failure; null without failures.
    24 * node_days / failures_high as mttf_node_hours_low, -- Lower end of its interval.
    24 * node_days
    / nullif(failures_low, 0) as mttf_node_hours_high, -- Upper end of its interval; null without failures.
    24 * ended_node_days
    / nullif(failures, 0) as mttf_ended_node_hours, -- Mean ended node-hours to a failure; null without failures.
    24 * ended_node_days / failures_high as mttf_ended_node_hours_low, -- Lower end of its interval.
    24 * ended_node_days
    / nullif(failures_low, 0) as mttf_ended_node_hours_high, -- Upper end of its interval; null without failures.
    failures < 20 as is_small_sample -- Whether fewer than 20 failures stand behind the rate.
from bounds
