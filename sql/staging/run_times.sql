-- One row per scope and instance type: how long jobs ran. Scopes: `instance_type` and `all` (one row, whose type is
-- null). Quantiles over the runs that are over alone are too low where long ones are still going on: the Kaplan-Meier
-- ones also count these, for as long as they were seen.
-- @unique: scope, instance_type
-- @check quantiles_in_order: p50_seconds is null or (p50_seconds <= p90_seconds and p90_seconds <= p99_seconds)

with summaries as (
    select
        case when grouping(instance_type) = 0 then 'instance_type' else 'all' end as scope,
        instance_type,
        count(*) filter (where is_run_ended) as ended_runs,
        count(*) filter (where not is_run_ended) as open_runs,
        cast(sum(run_microseconds) filter (where is_run_ended) as decimal(38, 0)) as microseconds,
        quantile_cont(run_microseconds, [0.5, 0.9, 0.99]) filter (where is_run_ended) as quantiles_microseconds
    from staging.training_job_lives
    where is_started
    group by grouping sets ((instance_type), ())
)

select
    s.scope, -- Over what is counted: `instance_type` or `all`.
    s.instance_type,
    s.ended_runs, -- Jobs that started and whose run is over.
    s.open_runs, -- Jobs that started and were still running when last seen.
    s.microseconds / s.ended_runs / 1e6 as mean_seconds, -- Mean of the runs that are over; null if there are none.
    s.quantiles_microseconds[1] / 1e6 as p50_seconds, -- Median of the runs that are over; null if there are none.
    s.quantiles_microseconds[2] / 1e6 as p90_seconds, -- 90th percentile of the runs that are over; null if none.
    s.quantiles_microseconds[3] / 1e6 as p99_seconds, -- 99th percentile of the runs that are over; null if none.
    k.p50_microseconds / 1e6 as km_p50_seconds, -- Kaplan-Meier median, open runs included; null if too few are over.
    k.p90_microseconds / 1e6 as km_p90_seconds, -- Kaplan-Meier 90th percentile; null if too few are over.
    s.ended_runs < 20 as is_small_sample -- Whether ended_runs are fewer than 20.
from summaries as s
left join staging.kaplan_meier as k
    on
        k.measure = 'run_time'
        and s.scope = k.scope
        and s.instance_type is not distinct from k.instance_type
