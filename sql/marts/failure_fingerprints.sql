-- One row per failure fingerprint and failure class: failures that differ only in numbers, names and places, how often
-- they came, when, where, and what they cost. Failed jobs without a reason have no fingerprint. Two reasons with one
-- fingerprint have two classes where a rule looks at what is masked. Trends compare the last 7 and 28 days before the
-- newest instant at which any job was seen with the same span before. Metric M17.
-- @unique: failure_fingerprint, failure_class
-- @check seen_in_order: first_seen_at <= last_seen_at
-- @check recent_jobs_are_jobs: jobs_last_28_days + jobs_previous_28_days <= jobs

with seen as (
    select max(seen_at) as as_of
    from staging.last_seen
),

failures as (
    select
        f.*,
        epoch_us(s.as_of) - epoch_us(f.life_end_at) as age_microseconds
    from staging.failed_jobs as f
    cross join seen as s
),

last_jobs as (
    select
        failure_fingerprint,
        failure_class,
        created_month,
        training_job_arn,
        last_failure_reason
    from staging.failed_jobs
    where last_failure_reason is not null
    qualify row_number() over (
        partition by failure_fingerprint, failure_class order by life_end_at desc, training_job_arn desc
    ) = 1
),

totals as (
    select
        failure_fingerprint,
        failure_class,
        min(life_end_at) as first_seen_at,
        max(life_end_at) as last_seen_at,
        count(*) as jobs,
        count(distinct account_id) as accounts,
        count(distinct role_arn) as roles,
        string_agg(distinct instance_type, ', ' order by instance_type) as instance_types,
        sum(instance_microseconds) as instance_microseconds,
        sum(gpu_microseconds) as gpu_microseconds,
        sum(gpu_known_instance_microseconds) as gpu_known_instance_microseconds,
        count(*) filter (where age_microseconds < 7 * 86400000000) as jobs_last_7_days,
        count(*) filter (
            where age_microseconds >= 7 * 86400000000 and age_microseconds < 14 * 86400000000
        ) as jobs_previous_7_days,
        count(*) filter (where age_microseconds < 28 * 86400000000) as jobs_last_28_days,
        count(*) filter (
            where age_microseconds >= 28 * 86400000000 and age_microseconds < 56 * 86400000000
        ) as jobs_previous_28_days
    from failures
    group by failure_fingerprint, failure_class
)

select
    t.failure_fingerprint,
    t.failure_class,
    r.failure_actor,
    r.masked_reason,
    l.last_failure_reason, -- FailureReason of the last of the jobs, as its record has it.
    l.training_job_arn as last_training_job_arn, -- ARN of the last of the jobs.
    t.first_seen_at, -- First end of life (UTC) of such a job.
    t.last_seen_at, -- Last end of life (UTC) of such a job.
    t.jobs, -- Jobs that failed so.
    t.accounts, -- Accounts that they ran in.
    t.roles, -- Roles that they ran with.
    t.instance_types, -- Instance types that they ran on, with commas.
    t.instance_microseconds / 3.6e9 as instance_hours, -- Instance-hours of their runs; null if all are unknown.
    known_gpu_time(t.gpu_microseconds, t.gpu_known_instance_microseconds, t.instance_microseconds)
    / 3.6e9 as gpu_hours, -- GPU-hours of their runs; null if all are unknown.
    t.gpu_known_instance_microseconds
    / nullif(t.instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    t.jobs_last_7_days, -- Jobs that ended so in the 7 days before the newest instant at which a job was seen, or since.
    t.jobs_previous_7_days, -- Jobs that ended so in the 7 days before those.
    t.jobs_last_28_days, -- Jobs that ended so in the 28 days before that instant, or since.
    t.jobs_previous_28_days -- Jobs that ended so in the 28 days before those.
from totals as t
inner join last_jobs as l on t.failure_fingerprint = l.failure_fingerprint and t.failure_class = l.failure_class
inner join staging.failure_reasons as r
    on l.created_month = r.created_month and l.last_failure_reason = r.failure_reason
