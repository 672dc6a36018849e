-- One row per stay of a training job in a secondary status, without holes or overlaps from its creation to its end.
-- Where the record tells nothing, the status is Unattributed; a job without transitions has Starting and Training
-- derived from its times. Until 2022 the image pull is told as Training, since 2025 as Downloading: the two statuses do
-- not compare across that break.
-- @incremental
-- @unique: training_job_arn, visit_index
-- @check ends_after_its_start: end_time >= start_time
-- @check overlap_not_negative: overlap_microseconds >= 0

with entries as (
    select
        t.training_job_arn,
        t.index as position,
        t.status as secondary_status,
        t.start_time as entered_at,
        case when t.end_time <= j.horizon_at then t.end_time end as left_at
    from lake.secondary_status_transitions as t
    inner join staging.training_jobs as j on t.training_job_arn = j.training_job_arn
    where t.start_time <= j.horizon_at
    union all
    -- Every job begins at its creation, in a status that lasts until the first that is told.
    select
        training_job_arn,
        -1 as position,
        case when last_transition_at is null then 'Starting' else 'Unattributed' end as secondary_status,
        null as entered_at,
        null as left_at
    from staging.training_jobs
    union all
    select
        training_job_arn,
        0 as position,
        'Training' as secondary_status,
        training_start_time as entered_at,
        null as left_at
    from staging.training_jobs
    where last_transition_at is null and training_start_time is not null
),

sequenced as (
    select
        e.training_job_arn,
        e.secondary_status,
        e.left_at,
        coalesce(e.left_at < e.entered_at, false) as is_negative,
        greatest(e.entered_at, j.creation_time) as start_time,
        lead(greatest(e.entered_at, j.creation_time)) over in_order as next_start_time,
        row_number() over in_order as position,
        case
            when j.is_ended then coalesce(j.training_end_time, j.last_modified_time) else j.observed_at
        end as last_seen_at,
        j.is_ended,
        j.last_transition_at is null as is_derived
    from entries as e
    inner join staging.training_jobs as j on e.training_job_arn = j.training_job_arn
    window in_order as (partition by e.training_job_arn order by e.entered_at nulls first, e.position)
),

closed as (
    select
        *,
        coalesce(left_at, next_start_time, last_seen_at, start_time) as told_end_time,
        -- Of a job that ended, its end may be told before its last status is.
        left_at is null
        and next_start_time is null
        and is_ended
        and coalesce(last_seen_at < start_time, false) as begins_after_the_end,
        greatest(
            start_time, least(coalesce(left_at, next_start_time, last_seen_at, start_time), next_start_time)
        ) as end_time
    from sequenced
),

-- Each stay, and the hole that may follow it.
stays as (
    select
        c.training_job_arn,
        c.position,
        part.is_hole,
        case when part.is_hole then 'Unattributed' else c.secondary_status end as secondary_status,
        case when part.is_hole then c.end_time else c.start_time end as start_time,
        case when part.is_hole then c.next_start_time else c.end_time end as end_time,
        case
            when part.is_hole then 0
            else greatest(0, coalesce(epoch_us(c.told_end_time) - epoch_us(c.next_start_time), 0))
        end as overlap_microseconds,
        not part.is_hole and c.is_negative as is_negative,
        not part.is_hole and c.begins_after_the_end as begins_after_the_end,
        not part.is_hole and not c.is_ended and c.left_at is null and c.next_start_time is null as is_open,
        c.is_derived
    from closed as c
    cross join unnest([false, true]) as part (is_hole)
    where
        case
            when part.is_hole then c.end_time < c.next_start_time
            when c.position = 1 and not c.is_derived then c.start_time < c.end_time
            else true
        end
)

select
    training_job_arn,
    row_number() over (
        partition by training_job_arn order by position, is_hole
    ) as visit_index, -- Position among the job's visits, from 1, Unattributed ones included.
    1 + count(case when secondary_status in ('Interrupted', 'Restarting') then 1 end) over (
        partition by training_job_arn order by position, is_hole rows between unbounded preceding and 1 preceding
    ) as attempt, -- Attempt at running, from 1: one more after each Interrupted or Restarting visit.
    secondary_status, -- Secondary status of the visit, as the API names it, or Unattributed.
    status_phase(secondary_status)
        as phase, -- Phase: queue, setup, run, save, interruption, teardown, update, terminal or unknown.
    start_time, -- Start of the visit (UTC), never before the job's creation.
    end_time, -- End of the visit (UTC), exclusive; of an open one, the instant up to which the job was seen.
    overlap_microseconds, -- Microseconds cut from its told end, which lay beyond the next visit's start.
    is_negative
    or (begins_after_the_end and phase <> 'terminal')
        as is_negative, -- Whether its end, or the job's unless its status is terminal, lay before its start: no length.
    is_open, -- Whether the job was still in this visit when last seen.
    is_derived -- Whether the visit is derived from the job's times, for want of transitions.
from stays
