-- One row per month of creation, day, account, region, instance type, spot or not, and secondary status: the time that
-- jobs spent in it on that day, in microseconds. A visit that crosses midnight is split; one without length counts on
-- its day.
-- @incremental
-- @unique: created_month, date, account_id, region, instance_type, is_spot, secondary_status
-- @check time_not_negative: microseconds >= 0

with visits as (
    select
        *,
        date_trunc('day', local_time(start_time)) as first_day,
        -- A visit that ends at midnight has nothing on the day that begins then.
        date_trunc('day', local_time(greatest(start_time, end_time - interval 1 microsecond))) as last_day
    from staging.secondary_status_visits
),

visit_days as (
    select
        v.training_job_arn,
        v.secondary_status,
        v.phase,
        t.day,
        t.day = v.first_day as is_first_day,
        epoch_us(least(v.end_time, utc_time(t.day + interval 1 day)))
        - epoch_us(greatest(v.start_time, utc_time(t.day))) as microseconds
    from visits as v
    cross join unnest(generate_series(v.first_day, v.last_day, interval 1 day)) as t (day)
)

select
    j.created_month,
    cast(d.day as date) as date, -- Day of the time zone.
    cast(date_trunc('month', d.day) as date) as month, -- First day of its month.
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    d.secondary_status, -- Secondary status, as the API names it, or Unattributed.
    d.phase,
    count(*) filter (where d.is_first_day) as visits, -- Visits that started on this day.
    cast(sum(d.microseconds) as decimal(38, 0)) as microseconds, -- Microseconds of this day spent in the status.
    cast(sum(d.microseconds * cast(j.instance_count as decimal(19, 0))) as decimal(38, 0))
        as instance_microseconds -- The same times instances; null if the count is unknown for all of the jobs.
from visit_days as d
inner join staging.training_jobs as j on d.training_job_arn = j.training_job_arn
group by
    j.created_month,
    d.day,
    j.account_id,
    j.region,
    j.instance_type,
    j.is_spot,
    d.secondary_status,
    d.phase
