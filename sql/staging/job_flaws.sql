-- One row per month of creation, account and region: how many of the jobs have which flaw, and how many could.
-- @incremental
-- @unique: created_month, account_id, region
-- @check started_and_ended_jobs_are_jobs: started_and_ended_jobs <= jobs

with visits as (
    select
        training_job_arn,
        bool_or(overlap_microseconds > 0) as has_overlap,
        bool_or(is_negative) as has_negative_visit,
        bool_or(secondary_status is not distinct from 'Unattributed') as has_hole,
        bool_or(is_derived) as has_derived_visits,
        bool_or(
            phase = 'unknown' and secondary_status is distinct from 'Unattributed'
        ) as has_unknown_status
    from staging.secondary_status_visits
    group by training_job_arn
)

select
    j.created_month,
    j.account_id,
    j.region,
    count(*) as jobs, -- Jobs created in this month.
    count(*) filter (where l.is_started and j.is_ended)
        as started_and_ended_jobs, -- Those of them that started and ended.
    count(*) filter (where j.training_job_status = 'Failed') as failed_jobs, -- Those of them that failed.
    count(*) filter (where l.is_started and j.is_ended and j.training_start_time is null)
        as without_start_time, -- Jobs that started and ended without telling when they started.
    count(*) filter (where l.is_started and j.is_ended and j.training_end_time is null)
        as without_end_time, -- Jobs that started and ended without telling when they ended.
    count(*) filter (where j.has_future_times)
        as with_future_times, -- Jobs that tell of instants more than a day after they were seen.
    count(*) filter (where v.has_overlap)
        as with_overlap, -- Jobs with a visit whose told end lies beyond the next one's start.
    count(*) filter (where v.has_negative_visit)
        as with_negative_visit, -- Jobs with a visit whose told end, or that of the job, lies before its start.
    count(*) filter (where v.has_hole) as with_hole, -- Jobs with a stretch of which the record tells nothing.
    count(*) filter (where v.has_derived_visits)
        as with_derived_visits, -- Jobs whose visits are derived from their times.
    count(*) filter (
        where
        v.has_unknown_status
        or j.training_job_status not in ('InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting')
    ) as with_unknown_status, -- Jobs with a status, of their own or of a visit, that Trainyard does not know.
    count(*) filter (where j.gpu_count is null) as with_unknown_gpus, -- Jobs whose GPUs are not known.
    count(*) filter (where j.training_job_status = 'Failed' and c.end_cause = 'unknown')
        as with_unknown_failure_class -- Jobs that failed for a reason that no rule matches.
from staging.training_jobs as j
inner join staging.training_job_lives as l on j.training_job_arn = l.training_job_arn
inner join visits as v on j.training_job_arn = v.training_job_arn
left join staging.end_causes as c on j.training_job_arn = c.training_job_arn
group by j.created_month, j.account_id, j.region
