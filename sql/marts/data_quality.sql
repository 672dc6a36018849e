-- One row per account, region and flaw: how many jobs have it, and what share of those that could. To be read beside
-- every other mart. Flaws: no_start_time and no_end_time (it ended after a run, as every completed job did, without
-- telling when that began or ended), future_times (it tells of instants more than a day after it was seen, which are
-- disregarded), overlap (a visit's told end lies beyond the next one's start), negative_visit (it lies before its own
-- start), hole (of a stretch the record tells nothing), derived_visits (from its times, for want of transitions),
-- unknown_status (Trainyard does not know it, be it the job's or a visit's), unknown_gpus (the type is not in
-- reference.instance_types, or the count not told), unknown_failure_class (no rule of reference.failure_rules
-- matches). Documents that could not be read are no jobs: `build_info` tells their share. Metric M30.
-- @unique: account_id, region, flaw
-- @check share_is_a_share: flawed_share is null or flawed_share between 0 and 1

with counts as (
    select
        account_id,
        region,
        cast(sum(jobs) as bigint) as jobs,
        cast(sum(ended_runs) as bigint) as ended_runs,
        cast(sum(failed_jobs) as bigint) as failed_jobs,
        cast(sum(without_start_time) as bigint) as without_start_time,
        cast(sum(without_end_time) as bigint) as without_end_time,
        cast(sum(with_future_times) as bigint) as with_future_times,
        cast(sum(with_overlap) as bigint) as with_overlap,
        cast(sum(with_negative_visit) as bigint) as with_negative_visit,
        cast(sum(with_hole) as bigint) as with_hole,
        cast(sum(with_derived_visits) as bigint) as with_derived_visits,
        cast(sum(with_unknown_status) as bigint) as with_unknown_status,
        cast(sum(with_unknown_gpus) as bigint) as with_unknown_gpus,
        cast(sum(with_unknown_failure_class) as bigint) as with_unknown_failure_class
    from staging.job_flaws
    group by account_id, region
),

flaws as (
    select
        c.account_id,
        c.region,
        f.flaw,
        case
            when f.flaw in ('no_start_time', 'no_end_time') then c.ended_runs
            when f.flaw = 'unknown_failure_class' then c.failed_jobs
            else c.jobs
        end as examined_jobs,
        case f.flaw
            when 'no_start_time' then c.without_start_time
            when 'no_end_time' then c.without_end_time
            when 'future_times' then c.with_future_times
            when 'overlap' then c.with_overlap
            when 'negative_visit' then c.with_negative_visit
            when 'hole' then c.with_hole
            when 'derived_visits' then c.with_derived_visits
            when 'unknown_status' then c.with_unknown_status
            when 'unknown_gpus' then c.with_unknown_gpus
            when 'unknown_failure_class' then c.with_unknown_failure_class
        end as flawed_jobs
    from counts as c
    cross join unnest(
        [
            'no_start_time',
            'no_end_time',
            'future_times',
            'overlap',
            'negative_visit',
            'hole',
            'derived_visits',
            'unknown_status',
            'unknown_gpus',
            'unknown_failure_class'
        ]
    ) as f (flaw)
)

select
    account_id,
    region,
    flaw, -- What is wrong, or not known.
    examined_jobs, -- Jobs that could have it: of a time those that ended after a run, of a class the failed, or all.
    flawed_jobs, -- Jobs that have the flaw.
    flawed_jobs / nullif(examined_jobs, 0) as flawed_share, -- flawed_jobs / examined_jobs; null if there are none.
    wilson_low(flawed_jobs, examined_jobs)
        as flawed_share_low, -- Lower end of the 95 % interval (Wilson) of flawed_share; null if that is.
    wilson_high(flawed_jobs, examined_jobs)
        as flawed_share_high, -- Upper end of the 95 % interval (Wilson) of flawed_share; null if that is.
    examined_jobs < 20 as is_small_sample -- Whether examined_jobs are fewer than 20.
from flaws
