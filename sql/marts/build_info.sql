-- One row: which build this is, what it holds, and up to when its records tell. What they lack is in `data_quality`;
-- the share of documents that could not be read is here, since nobody knows of which account they are. Metric M30.

with jobs as (
    select
        count(*) as jobs,
        count(*) filter (where is_open) as open_jobs,
        max(last_modified_time) as newest_last_modified_time
    from marts.fct_training_jobs
),

seen as (
    select max(seen_at) as newest_observed_at
    from staging.last_seen
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
    j.jobs + c.documents_quarantined
        as jobs_and_documents_quarantined, -- Jobs, each one document, and documents set aside, maybe several of a job.
    c.documents_quarantined / nullif(j.jobs + c.documents_quarantined, 0)
        as quarantined_share, -- documents_quarantined / jobs_and_documents_quarantined; null if there are none.
    wilson_low(c.documents_quarantined, j.jobs + c.documents_quarantined)
        as quarantined_share_low, -- Lower end of the 95 % interval (Wilson) of quarantined_share; null if that is.
    wilson_high(c.documents_quarantined, j.jobs + c.documents_quarantined)
        as quarantined_share_high, -- Upper end of the 95 % interval (Wilson) of quarantined_share; null if that is.
    j.jobs, -- Training jobs.
    j.open_jobs, -- Jobs that had not ended when last seen.
    j.jobs + c.documents_quarantined < 20
        as is_small_sample, -- Whether jobs_and_documents_quarantined are fewer than 20.
    j.newest_last_modified_time, -- Newest LastModifiedTime of a job (UTC); null if there are no jobs.
    s.newest_observed_at -- Newest instant (UTC) at which a job was seen; null if there are no jobs.
from build.context as c
cross join jobs as j
cross join seen as s
