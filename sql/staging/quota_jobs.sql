-- One row per quota (account, region, instance type, spot or not) and training job that counts towards it: what of the
-- quota was left when it was created, and how long it waited while none was.
-- @unique: account_id, region, instance_type, is_spot, training_job_arn
-- @check wait_not_negative: wait_microseconds_at_quota >= 0

with waits as (
    select
        u.account_id,
        u.region,
        u.instance_type,
        u.is_spot,
        u.training_job_arn,
        c.date,
        c.quota_instances,
        w.microseconds_at_quota_before - c.microseconds_at_quota_before as wait_microseconds_at_quota,
        -- What the job that is created uses itself at that instant is not others'.
        c.instances - case
            when u.start_time <= u.creation_time and u.creation_time < u.end_time then u.instances else 0
        end as others_instances
    from staging.quota_uses as u
    inner join staging.quota_levels as c
        on
            u.account_id = c.account_id
            and u.region = c.region
            and u.instance_type = c.instance_type
            and u.is_spot = c.is_spot
            and u.kind = c.kind
            and u.creation_time = c.start_time
    inner join staging.quota_levels as w
        on
            u.account_id = w.account_id
            and u.region = w.region
            and u.instance_type = w.instance_type
            and u.is_spot = w.is_spot
            and u.kind = w.kind
            and u.wait_end_at = w.start_time
    where u.kind = 'training_jobs' and c.duration_microseconds > 0
)

select
    account_id,
    region,
    instance_type,
    is_spot,
    training_job_arn,
    date, -- Day of the time zone on which it was created.
    quota_instances, -- Quota in force when it was created; null if it is not known.
    coalesce(others_instances >= quota_instances, false)
        as is_created_at_quota, -- Whether others used all of it when it was created.
    wait_microseconds_at_quota -- Time for which it waited while others used all of it.
from waits
