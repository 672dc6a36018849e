-- One row: which build this is, how fresh its records are, and how many of them have gaps. To be read beside every
-- other mart.

with jobs as (
    select
        count(*) as jobs,
        count(*) filter (where is_open) as open_jobs,
        count(*) filter (where is_ended and is_started and training_start_time is null) as jobs_without_start_time,
        count(*) filter (where is_ended and is_started and training_end_time is null) as jobs_without_end_time,
        count(*) filter (where has_future_times) as jobs_with_future_times,
        count(*) filter (where gpu_count is null) as jobs_with_unknown_gpus,
        count(*) filter (where failure_class = 'unknown') as jobs_with_unknown_failure_class,
        max(last_modified_time) as newest_last_modified_time,
        max(observed_at) as newest_observed_at
    from marts.fct_training_jobs
),

visits as (
    select
        count(*) as visits,
        count(*) filter (where is_derived) as derived_visits,
        count(*) filter (where overlap_seconds > 0) as overlapping_visits,
        count(*) filter (where is_negative) as negative_visits,
        count(*) filter (where secondary_status = 'Unattributed') as unattributed_visits,
        count(*) filter (
            where phase = 'unknown' and secondary_status is distinct from 'Unattributed'
        ) as visits_of_unknown_status
    from marts.fct_secondary_status_visits
)

select
    c.build_id, -- Name of the build.
    c.built_at, -- Instant (UTC) of the build.
    c.trainyard_version, -- Version of Trainyard that built it.
    c.duckdb_version, -- Version of DuckDB that built it.
    c.botocore_version, -- Version of botocore whose service model laid the lake out.
    c.lake_generation, -- Generation of the lake that it was built from.
    c.time_zone, -- Time zone of dates, months, hours and weekdays in all marts; instants are UTC.
    c.documents_quarantined, -- Documents set aside because they could not be read.
    j.jobs, -- Training jobs.
    j.open_jobs, -- Jobs that had not ended when last seen.
    j.newest_last_modified_time, -- Newest LastModifiedTime of a job (UTC); null if there are no jobs.
    j.newest_observed_at, -- Newest instant (UTC) at which a job was seen; null if there are no jobs.
    (epoch_us(j.newest_observed_at) - epoch_us(j.newest_last_modified_time))
    / 1e6 as newest_change_age_seconds, -- Age of the newest change when a job was last seen; null if there are no jobs.
    j.jobs_without_start_time, -- Started and ended jobs without TrainingStartTime.
    j.jobs_without_end_time, -- Started and ended jobs without TrainingEndTime.
    j.jobs_with_future_times, -- Jobs that tell of instants more than a day after they were seen, which are disregarded.
    j.jobs_with_unknown_gpus, -- Jobs whose GPUs are unknown: their type is not in reference.instance_types.
    j.jobs_with_unknown_failure_class, -- Failed jobs that no rule of reference.failure_rules matches.
    v.visits, -- Visits of jobs to secondary statuses.
    v.derived_visits, -- Visits derived from a job's times, for want of transitions.
    v.overlapping_visits, -- Visits whose told end lay beyond the next one's start.
    v.negative_visits, -- Visits whose told end lay before their start.
    v.unattributed_visits, -- Stretches of a job's lifetime of which its record tells nothing.
    v.visits_of_unknown_status -- Visits to a status that Trainyard does not know.
from build.context as c
cross join jobs as j
cross join visits as v
