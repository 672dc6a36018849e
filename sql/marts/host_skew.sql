-- One row per training job and measure (`gpu`, `gpu_memory`, `cpu`, `memory` or `disk`) that CloudWatch has of several
-- of its hosts: how far the mean use of the one that used the most is from that of the one that used the least. Metric
-- M36.
-- @incremental
-- @unique: training_job_arn, measure
-- @check spread_not_negative: spread_share >= 0

with hosts as (
    select
        training_job_arn,
        measure,
        host,
        sum(used_share * measured_microseconds) / sum(measured_microseconds) as mean_share
    from staging.hardware_use
    group by training_job_arn, measure, host
),

ranked as (
    select
        *,
        row_number() over (partition by training_job_arn, measure order by mean_share asc, host asc) as from_least,
        row_number() over (partition by training_job_arn, measure order by mean_share desc, host asc) as from_greatest
    from hosts
),

skews as (
    select
        training_job_arn,
        measure,
        count(*) as measured_hosts,
        max(host) filter (where from_least = 1) as least_host,
        min(mean_share) as least_mean_share,
        max(host) filter (where from_greatest = 1) as greatest_host,
        max(mean_share) as greatest_mean_share
    from ranked
    group by training_job_arn, measure
)

select
    s.training_job_arn,
    j.training_job_name,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    s.measure, -- What is used: `gpu`, `gpu_memory`, `cpu`, `memory` or `disk`.
    j.instance_count,
    s.measured_hosts, -- Instances of which it was measured.
    s.least_host, -- Host that used the least, as `algo-1`.
    s.least_mean_share, -- Mean share that it used (0 to 1).
    s.greatest_host, -- Host that used the most.
    s.greatest_mean_share, -- Mean share that it used.
    s.greatest_mean_share - s.least_mean_share as spread_share -- How far they are apart.
from skews as s
inner join staging.training_jobs as j on s.training_job_arn = j.training_job_arn
where s.measured_hosts > 1
