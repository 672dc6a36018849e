-- One row per month of creation, account and region: how many of the jobs have which flaw, and how many could.
-- @incremental
-- @unique: created_month, account_id, region
-- @check ended_runs_are_of_jobs: ended_runs <= jobs

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
),

jobs as (
    select
        j.*,
        -- A job that completed has run, whatever its record tells.
        j.is_ended and (l.is_started or j.training_job_status = 'Completed') as has_ended_run
    from staging.training_jobs as j
    inner join staging.training_job_lives as l on j.training_job_arn = l.training_job_arn
)

select
    j.created_month,
    j.account_id,
    j.region,
    count(*) as jobs, -- Jobs created in this month.
    count(*) filter (where j.has_ended_run) as ended_runs, -- Those of them that ended after a run.
    count(*) filter (where j.training_job_status = 'Failed') as failed_jobs, -- Those of them that failed.
    count(*) filter (where j.has_ended_run and j.training_start_time is null)
        as without_start_time, -- Jobs that ended after a run without telling when it started.
    count(*) filter (where j.has_ended_run and j.training_end_time is null)
        as without_end_time, -- Jobs that ended after a run without telling when it ended.
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
        or (j.secondary_status is not null and status_phase(j.secondary_status) = 'unknown')
        or j.training_job_status not in ('InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting')
    ) as with_unknown_status, -- Jobs with a status, of their own or of a visit, that Trainyard does not know.
    count(*) filter (where j.gpu_count is null) as with_unknown_gpus, -- Jobs whose GPUs are not known.
    count(*) filter (where j.training_job_status = 'Failed' and c.end_cause = 'unknown')
        as with_unknown_failure_class -- Jobs that failed for a reason that no rule matches.
from jobs as j
inner join visits as v on j.training_job_arn = v.training_job_arn
left join staging.end_causes as c on j.training_job_arn = c.training_job_arn
group by j.created_month, j.account_id, j.region
