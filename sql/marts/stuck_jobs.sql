-- One row per open job that is stuck: how long it has been in its secondary status, longer than 99 % of the ended
-- visits to that status of jobs on such instances took. Its age goes up to when it was last seen. A job with nothing to
-- compare it with is not stuck, nor is one that its source no longer has. Metric M31.
-- @unique: training_job_arn
-- @check longer_than_others: age_seconds > p99_seconds

with open_visits as (
    select
        training_job_arn,
        instance_type,
        coalesce(secondary_status, '') as status,
        secondary_status,
        start_time,
        end_time
    from marts.fct_secondary_status_visits
    where is_open
),

open_statuses as (
    select distinct
        instance_type,
        status
    from open_visits
),

ended_visits as (
    select
        v.instance_type,
        coalesce(v.secondary_status, '') as status,
        count(*) as compared_visits,
        quantile_cont(epoch_us(v.end_time) - epoch_us(v.start_time), 0.99) as p99_microseconds
    from marts.fct_secondary_status_visits as v
    inner join open_statuses as o
        on v.instance_type = o.instance_type and coalesce(v.secondary_status, '') = o.status
    where not v.is_open
    group by v.instance_type, coalesce(v.secondary_status, '')
)

select
    j.training_job_arn,
    j.training_job_name,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    j.instance_count,
    j.gpu_count,
    j.role_arn,
    v.secondary_status, -- Secondary status that it is in.
    v.start_time as since, -- Instant (UTC) at which it came into this status.
    (epoch_us(v.end_time) - epoch_us(v.start_time)) / 1e6 as age_seconds, -- Seconds it has been in it.
    e.p99_microseconds / 1e6 as p99_seconds, -- 99th percentile of ended visits to it on this instance type.
    e.compared_visits, -- Ended visits that p99_seconds is of.
    e.compared_visits < 20 as is_small_sample -- Whether they are fewer than 20.
from open_visits as v
inner join staging.training_jobs as j on v.training_job_arn = j.training_job_arn
inner join ended_visits as e on v.instance_type = e.instance_type and v.status = e.status
where j.deleted_at is null and epoch_us(v.end_time) - epoch_us(v.start_time) > e.p99_microseconds
