-- One row per training job and measure (`gpu`, `gpu_memory`, `cpu`, `memory` or `disk`) that CloudWatch has: how much
-- of it the job's instances used. Shares are of all that they have, 1 is all GPUs or vCPUs at full load; quantiles are
-- over time and instances. Metric M32.
-- @incremental
-- @unique: training_job_arn, measure
-- @check quantiles_in_order: p50_share <= p95_share and p95_share <= max_share + 0.000001
-- @check idle_share_is_a_share: idle_share between 0 and 1
-- @check coverage_not_negative: coalesce(coverage_share, 0) >= 0

with ordered as (
    select
        *,
        sum(measured_microseconds) over (
            partition by training_job_arn, measure
            order by used_share asc, host asc, period_start asc
            rows between unbounded preceding and current row
        ) as microseconds_up_to,
        sum(measured_microseconds) over (partition by training_job_arn, measure) as all_microseconds
    from staging.hardware_use
),

uses as (
    select
        training_job_arn,
        measure,
        count(distinct host) as measured_hosts,
        cast(sum(measured_microseconds) as bigint) as measured_microseconds,
        sum(used_share * measured_microseconds) / sum(measured_microseconds) as mean_share,
        min(used_share) filter (where microseconds_up_to * 2 >= all_microseconds) as p50_share,
        min(used_share) filter (where microseconds_up_to * 20 >= all_microseconds * 19) as p95_share,
        max(most_used_share) as max_share,
        cast(coalesce(sum(measured_microseconds) filter (where used_share < 0.05), 0) as bigint) as idle_microseconds,
        max(period_seconds) as longest_period_seconds
    from ordered
    group by training_job_arn, measure
)

select
    u.training_job_arn,
    j.training_job_name,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    t.team,
    u.measure, -- What is used: `gpu`, `gpu_memory`, `cpu`, `memory` or `disk`.
    j.instance_count,
    u.measured_hosts, -- Instances of which it was measured.
    u.measured_microseconds / 3.6e9 as measured_host_hours, -- Hours times instances of which it was measured.
    case
        when u.measure in ('gpu', 'gpu_memory')
            then u.measured_microseconds * s.host_gpus / nullif(l.gpu_microseconds, 0)
        else u.measured_microseconds / nullif(l.instance_microseconds, 0)
    end as coverage_share, -- Share of its time, and instances, of which it was measured; of GPUs those that have some.
    u.mean_share, -- Mean share in use.
    u.p50_share, -- Share that half of the time no more is in use.
    u.p95_share, -- Share that 95 % of the time no more is in use.
    u.max_share, -- Greatest share in use.
    u.idle_microseconds / u.measured_microseconds as idle_share, -- Share of the time in which less than 5 % is in use.
    case
        when u.measure = 'gpu' then u.idle_microseconds * s.host_gpus / 3.6e9
    end as idle_gpu_hours, -- Such time, in GPU-hours; null unless the measure is `gpu`.
    u.longest_period_seconds -- Longest period whose mean is all that is known: 60, 300 or 3600 seconds.
from uses as u
inner join staging.training_jobs as j on u.training_job_arn = j.training_job_arn
inner join staging.training_job_lives as l on u.training_job_arn = l.training_job_arn
inner join staging.host_sizes as s on u.training_job_arn = s.training_job_arn
left join staging.teams as t on u.training_job_arn = t.training_job_arn
