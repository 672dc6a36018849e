-- One row per month of creation, month of the end of life, account, region, instance type, GPUs of a job, spot or not,
-- started or not, training job status, and what ended those that did not complete: how many such jobs there are, and
-- what their runs used. What is told of jobs by these is added up from here, whatever the history.
-- @incremental
-- @unique: created_month, end_month, account_id, region, instance_type, gpu_count, is_spot, is_started,
-- training_job_status, end_cause, end_actor
-- @check counted_jobs_are_jobs: counted_jobs <= jobs

with interrupted as (
    select distinct training_job_arn
    from staging.secondary_status_visits
    where secondary_status = 'Interrupted'
)

select
    l.created_month,
    case
        when l.is_ended then cast(date_trunc('month', local_time(l.life_end_at)) as date)
    end as end_month, -- First day of the month of the time zone in which their life ended; null if it has not.
    l.account_id,
    l.region,
    l.instance_type,
    l.gpu_count,
    l.is_spot,
    l.is_started,
    l.training_job_status,
    c.end_cause,
    c.end_actor,
    count(*) as jobs, -- Such jobs.
    count(l.instance_microseconds) as counted_jobs, -- Those of them whose instance time is known.
    cast(sum(l.instance_microseconds) as decimal(38, 0))
        as instance_microseconds, -- Instance time of their runs; null if all are unknown.
    cast(sum(l.gpu_microseconds) as decimal(38, 0))
        as gpu_microseconds, -- GPU time of their runs; null if all are unknown.
    cast(sum(l.gpu_known_instance_microseconds) as decimal(38, 0))
        as gpu_known_instance_microseconds, -- Instance time of those whose GPUs are known.
    cast(sum(l.billable_instance_microseconds) as decimal(38, 0))
        as billable_instance_microseconds, -- Billed time times instances; null if all are unknown.
    cast(sum(l.instance_microseconds) filter (where l.billable_microseconds is not null) as decimal(38, 0))
        as bill_known_instance_microseconds, -- Instance time of those whose billed time is known; null if none.
    count(*) filter (
        where l.training_time_in_seconds is not null and l.billable_instance_microseconds is not null
    ) as compared_jobs, -- Those of them whose trained and billed time are known.
    cast(
        sum(l.billable_instance_microseconds) filter (where l.training_time_in_seconds is not null) as decimal(38, 0)
    ) as compared_billed_microseconds, -- Billed time times instances of the compared_jobs; null if there are none.
    cast(
        sum(
            cast(l.training_time_in_seconds as decimal(19, 0)) * 1000000 * l.instance_count
        ) filter (where l.billable_instance_microseconds is not null) as decimal(38, 0)
    ) as compared_trained_microseconds, -- Training time times instances of the compared_jobs; null if there are none.
    count(i.training_job_arn) as interrupted_jobs -- Those of them that were interrupted at all.
from staging.training_job_lives as l
left join staging.end_causes as c on l.training_job_arn = c.training_job_arn
left join interrupted as i on l.training_job_arn = i.training_job_arn
group by
    l.created_month,
    case when l.is_ended then cast(date_trunc('month', local_time(l.life_end_at)) as date) end,
    l.account_id,
    l.region,
    l.instance_type,
    l.gpu_count,
    l.is_spot,
    l.is_started,
    l.training_job_status,
    c.end_cause,
    c.end_actor
