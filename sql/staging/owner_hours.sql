-- One row per kind of owner (`role`, `team` or `program`) and owner, those unknown together as one: the jobs that are
-- theirs, and what these used. A job's role is its RoleArn, its team the value of its tag `team` (in any case). Every
-- job is of one owner of each kind.
-- @unique: owner_kind, owner
-- @check only_known_owners_have_a_rank: (owner is null) = (owner_rank is null)

with totals as (
    select
        owner_kind,
        owner,
        cast(sum(jobs) as bigint) as jobs,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds
    from staging.owner_jobs
    group by owner_kind, owner
)

select
    owner_kind, -- Kind of owner: `role`, `team` or `program`.
    owner, -- Role ARN, team, or program; null for the jobs of which that is not known.
    jobs, -- Jobs of this owner, started or not.
    instance_microseconds, -- Instance time of their runs; unknown counts as 0.
    known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
        as gpu_microseconds, -- GPU time of their runs; null if all of it is unknown.
    gpu_known_instance_microseconds, -- Instance time of those whose GPUs are known.
    case
        when owner is not null
            then row_number() over (
                partition by owner_kind, owner is null order by instance_microseconds desc, owner asc
            )
    end as owner_rank, -- Place among the known owners of the kind, 1 for the most instance-hours.
    count(owner) over (partition by owner_kind) as owners -- Known owners of the kind.
from totals
