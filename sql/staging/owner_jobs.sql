-- One row per month of creation, kind of owner (`role`, `team` or `program`) and owner, those unknown together as one:
-- the jobs created in this month that are theirs, and what these used. A job's role is its RoleArn, its team the value
-- of its tag `team` (in any case). Every job is of one owner of each kind.
-- @incremental
-- @unique: created_month, owner_kind, owner

with owned as (
    select
        l.created_month,
        k.owner_kind,
        case k.owner_kind
            when 'role' then j.role_arn when 'team' then t.team else p.program
        end as owner,
        l.instance_microseconds,
        l.gpu_microseconds,
        l.gpu_known_instance_microseconds
    from staging.training_job_lives as l
    inner join staging.training_jobs as j on l.training_job_arn = j.training_job_arn
    inner join staging.programs as p on l.training_job_arn = p.training_job_arn
    left join staging.teams as t on l.training_job_arn = t.training_job_arn
    cross join unnest(['role', 'team', 'program']) as k (owner_kind)
)

select
    created_month,
    owner_kind, -- Kind of owner: `role`, `team` or `program`.
    owner, -- Role ARN, team, or program; null for the jobs of which that is not known.
    count(*) as jobs, -- Jobs of this owner, started or not.
    cast(coalesce(sum(instance_microseconds), 0) as decimal(38, 0))
        as instance_microseconds, -- Instance time of their runs; unknown counts as 0.
    cast(sum(gpu_microseconds) as decimal(38, 0))
        as gpu_microseconds, -- GPU time of their runs; null if all are unknown.
    cast(sum(gpu_known_instance_microseconds) as decimal(38, 0))
        as gpu_known_instance_microseconds -- Instance time of those whose GPUs are known.
from owned
group by created_month, owner_kind, owner
