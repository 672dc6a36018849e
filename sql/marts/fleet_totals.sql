-- One row: the whole fleet at a glance: jobs that came and went, hours used, and hours billed (M01, M03, M04, M05).
-- What is not known is left out of a sum, whose share of what is known stands beside it.
-- @check gpu_share_is_a_share: gpu_known_share is null or gpu_known_share between 0 and 1
-- @check bill_share_is_a_share: bill_known_share is null or bill_known_share between 0 and 1

with totals as (
    select
        cast(coalesce(sum(jobs), 0) as bigint) as submitted_jobs,
        cast(coalesce(sum(jobs) filter (where is_started), 0) as bigint) as started_jobs,
        cast(coalesce(sum(jobs) filter (where end_month is not null), 0) as bigint) as ended_jobs,
        cast(coalesce(sum(instance_microseconds), 0) as decimal(38, 0)) as instance_microseconds,
        cast(sum(gpu_microseconds) as decimal(38, 0)) as gpu_microseconds,
        cast(sum(gpu_known_instance_microseconds) as decimal(38, 0)) as gpu_known_instance_microseconds,
        cast(sum(billable_instance_microseconds) as decimal(38, 0)) as billable_instance_microseconds,
        cast(coalesce(sum(instance_microseconds) filter (where end_month is not null), 0) as decimal(38, 0))
            as ended_instance_microseconds,
        cast(
            coalesce(sum(bill_known_instance_microseconds) filter (where end_month is not null), 0) as decimal(38, 0)
        ) as bill_known_instance_microseconds
    from staging.job_totals
)

select
    submitted_jobs, -- Jobs created.
    started_jobs, -- Jobs that started.
    ended_jobs, -- Jobs whose life ended.
    instance_microseconds / 3.6e9 as instance_hours, -- Hours of instances used; unknown counts as 0.
    known_gpu_time(gpu_microseconds, gpu_known_instance_microseconds, instance_microseconds)
    / 3.6e9 as gpu_hours, -- Hours of GPUs used; null if all are unknown.
    gpu_known_instance_microseconds
    / nullif(instance_microseconds, 0) as gpu_known_share, -- Share of instance_hours whose GPUs are known; null if 0.
    billable_instance_microseconds / 3.6e9
        as billable_instance_hours, -- Billed hours times instances; null if all are unknown.
    bill_known_instance_microseconds / nullif(
        ended_instance_microseconds, 0
    ) as bill_known_share -- Share of the instance-hours of ended jobs whose bill is known; null if there are none.
from totals
