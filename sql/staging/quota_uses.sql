-- One row per quota (account, region, instance type, spot or not, and kind) and training job that counts towards it:
-- when it did, and when it waited before. What a warm pool keeps after a job counts towards the quota of training jobs
-- too, as AWS counts it. The quota of `all` types counts those of every type. Heterogeneous jobs are divided into their
-- instance groups.
-- @incremental
-- @unique: account_id, region, instance_type, is_spot, kind, training_job_arn
-- @check instances_not_negative: instances >= 0

with keys as (
    select distinct
        account_id,
        region,
        instance_type,
        is_spot,
        kind
    from reference.quotas
),

uses as (
    select
        l.training_job_arn,
        l.account_id,
        l.region,
        l.instance_type,
        l.instance_count,
        l.is_spot,
        k.kind,
        case when k.kind = 'training_jobs' then l.creation_time end as creation_time,
        case when k.kind = 'training_jobs' then coalesce(l.started_at, l.life_end_at) end as wait_end_at,
        case
            when k.kind = 'warm_pools' or (l.started_at is null and l.warm_pool_microseconds > 0)
                then coalesce(l.run_end_at, l.life_end_at)
            else l.started_at
        end as start_time,
        case
            when k.kind = 'warm_pools' or l.warm_pool_microseconds > 0 then l.warm_pool_end_at
            else l.run_end_at
        end as end_time
    from staging.training_job_lives as l
    cross join unnest(['training_jobs', 'warm_pools']) as k (kind)
    where k.kind = 'training_jobs' or l.warm_pool_microseconds > 0
),

-- Each once for its own type, and once for all types.
counted as (
    select
        u.training_job_arn,
        u.account_id,
        u.region,
        case
            when e.is_all_types then 'all' when g.training_job_arn is null then u.instance_type else g.instance_type
        end as instance_type,
        u.is_spot,
        u.kind,
        u.creation_time,
        u.wait_end_at,
        u.start_time,
        u.end_time,
        case when g.training_job_arn is null then u.instance_count else g.instance_count end as instance_count
    from uses as u
    left join staging.instance_groups as g on u.training_job_arn = g.training_job_arn
    cross join unnest([true, false]) as e (is_all_types)
)

select
    k.account_id,
    k.region,
    k.instance_type, -- Instance type; of heterogeneous jobs, that of each group; `all` for all types.
    k.is_spot,
    k.kind,
    c.training_job_arn,
    c.creation_time, -- Instant (UTC) at which the job was created; null of a warm pool.
    greatest(c.wait_end_at, c.creation_time) as wait_end_at, -- End of its wait: it started, or its life ended (UTC).
    c.start_time, -- Instant (UTC) from which it counts; null if it never did.
    c.end_time, -- Instant (UTC) from which it no longer counts.
    cast(coalesce(sum(c.instance_count), 0) as bigint) as instances -- Instances that it counts with; unknown ones as 0.
from counted as c
inner join keys as k
    on
        c.account_id = k.account_id
        and c.region = k.region
        and c.instance_type = k.instance_type
        and c.is_spot = k.is_spot
        and c.kind = k.kind
group by
    k.account_id,
    k.region,
    k.instance_type,
    k.is_spot,
    k.kind,
    c.training_job_arn,
    c.creation_time,
    c.wait_end_at,
    c.start_time,
    c.end_time
