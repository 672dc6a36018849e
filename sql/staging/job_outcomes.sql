-- One row per month of creation, day, first day of the month of creation in the time zone, account, region, instance
-- type, and spot or not: how many of these jobs were submitted on the day, and how many ended how.
-- @incremental
-- @unique: created_month, date, cohort, account_id, region, instance_type, is_spot
-- @check failed_jobs_failed: started_and_failed_jobs <= failed_jobs

with events as (
    select
        l.created_month,
        l.account_id,
        l.region,
        l.instance_type,
        l.is_spot,
        cast(local_time(case when e.is_end then l.life_end_at else l.creation_time end) as date) as date,
        cast(date_trunc('month', local_time(l.creation_time)) as date) as cohort,
        case when e.is_end then l.training_job_status else 'Submitted' end as event,
        e.is_end and l.is_started as is_started
    from staging.training_job_lives as l
    cross join unnest([false, true]) as e (is_end)
    where l.is_ended or not e.is_end
)

select
    created_month,
    date, -- Day of the time zone on which they were submitted or ended.
    cohort, -- First day of the month of the time zone in which they were created.
    account_id,
    region,
    instance_type,
    is_spot,
    count(*) filter (where event = 'Submitted') as submitted_jobs, -- Jobs created on this day.
    count(*) filter (where event = 'Completed') as completed_jobs, -- Jobs that ended Completed.
    count(*) filter (where event = 'Failed') as failed_jobs, -- Jobs that ended Failed, started or not.
    count(*) filter (where event = 'Stopped') as stopped_jobs, -- Jobs that ended Stopped, started or not.
    count(*) filter (where is_started) as started_and_ended_jobs, -- Jobs that ended, having started.
    count(*) filter (
        where is_started and event = 'Failed'
    ) as started_and_failed_jobs -- Jobs that ended Failed, having started.
from events
group by created_month, date, cohort, account_id, region, instance_type, is_spot
