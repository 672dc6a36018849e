-- One row per kind of owner (`role`, `team` or `program`) and owner, those unknown together as one: what its jobs used,
-- and what share that is. A job's team is the value of its tag `team` (in any case); its program the script that an SDK
-- made it run, else its image. Metric M26.
-- @unique: owner_kind, owner
-- @check share_is_a_share: coalesce(instance_hour_share, 0) between 0 and 1

select
    owner_kind,
    owner,
    jobs,
    instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; unknown counts as 0.
    gpu_microseconds / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    instance_microseconds / nullif(
        sum(instance_microseconds) over (partition by owner_kind), 0
    ) as instance_hour_share, -- Share in the instance-hours of all jobs (0 to 1); null if those are 0.
    owner_rank
from staging.owner_hours
