-- One row per month of creation, account, region, instance type, spot or not, and instant at which a run of these jobs
-- started or ended: by how much that changed what runs at once. A run that is not over ends at the instant up to which
-- the job was seen.
-- @incremental
-- @unique: created_month, account_id, region, instance_type, is_spot, instant

with edges as (
    select
        l.created_month,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        case when e.sign > 0 then l.started_at else l.run_end_at end as instant,
        e.sign,
        coalesce(l.instance_count, 0) as instances,
        coalesce(l.gpu_count, 0) as gpus,
        case when l.gpu_count is null then 0 else 1 end as gpu_known
    from staging.training_job_lives as l
    cross join unnest([1, -1]) as e (sign)
    where l.is_started
)

select
    created_month,
    account_id,
    region,
    instance_type,
    is_spot,
    instant, -- Instant (UTC) at which runs started or ended.
    cast(date_trunc('month', local_time(instant)) as date) as month, -- First day of its month, of the time zone.
    cast(sum(sign) as bigint) as jobs, -- Jobs more (or less) running from then on.
    cast(sum(sign * instances) as bigint) as instances, -- Instances more (or less) in use; unknown counts as 0.
    cast(sum(sign * gpus) as bigint) as gpus, -- GPUs more (or less) in use; unknown counts as 0.
    cast(sum(sign * gpu_known) as bigint) as gpu_known_jobs, -- Jobs of known GPUs more (or less) running.
    count(*) filter (where sign > 0) as started_jobs, -- Jobs that started.
    count(*) filter (where sign > 0 and gpu_known > 0) as started_gpu_known_jobs -- Those of them whose GPUs are known.
from edges
group by created_month, account_id, region, instance_type, is_spot, instant
