-- One row per training job: when it lived, waited and ran, and what it used, in microseconds, whose sums are exact: as
-- decimals where instances multiply them, for these products can be beyond BIGINT.
-- @incremental
-- @unique: training_job_arn
-- @check visits_fill_the_lifetime: visit_microseconds = lifetime_microseconds
-- @check lifetime_not_negative: lifetime_microseconds >= 0
-- @check wait_not_negative: coalesce(wait_microseconds, 0) >= 0
-- @check run_not_negative: run_microseconds >= 0

with visit_totals as (
    select
        training_job_arn,
        max(end_time) as life_end_at,
        min(start_time) filter (where secondary_status in ('Downloading', 'Training')) as first_working_at,
        -- What follows the last status that holds instances is no run, however late the record changed once more.
        max(end_time) filter (
            where phase not in ('queue', 'terminal') and secondary_status <> 'Unattributed'
        ) as last_working_at,
        cast(sum(epoch_us(end_time) - epoch_us(start_time)) as bigint) as visit_microseconds
    from staging.secondary_status_visits
    group by training_job_arn
),

lives as (
    select
        j.*,
        v.life_end_at,
        v.visit_microseconds,
        coalesce(j.training_start_time, v.first_working_at) as told_started_at,
        coalesce(
            j.training_end_time,
            case when j.is_ended then coalesce(v.last_working_at, v.life_end_at) else j.observed_at end
        ) as told_run_end_at
    from staging.training_jobs as j
    inner join visit_totals as v on j.training_job_arn = v.training_job_arn
),

runs as (
    select
        *,
        told_started_at as started_at,
        case when told_started_at is not null then greatest(told_run_end_at, told_started_at) end as run_end_at
    from lives
),

durations as (
    select
        *,
        coalesce(epoch_us(run_end_at) - epoch_us(started_at), 0) as run_microseconds,
        -- In seconds: of microseconds, an interval cannot be multiplied by more than 36 minutes have.
        coalesce(run_end_at, life_end_at) + interval 1 second * warm_pool_billable_seconds as told_warm_pool_end_at
    from runs
)

select
    training_job_arn,
    created_month,
    account_id,
    region,
    instance_type,
    is_spot,
    training_plan_arn is not null as is_prepaid, -- Whether a training plan provides its instances: paid in advance.
    instance_count,
    gpu_count,
    training_job_status,
    secondary_status,
    tuning_job_arn,
    auto_ml_job_arn,
    max_runtime_in_seconds,
    training_time_in_seconds,
    is_ended,
    started_at is not null as is_started, -- Whether it ever had its instances: began to download or to train.
    is_ended and started_at is null as is_never_started, -- Whether it ended without having started.
    creation_time,
    observed_at,
    started_at, -- Instant (UTC) at which it began to download or to train; null if it has not.
    run_end_at, -- End of its run (UTC); of an open job the instant it was last seen; null if it has not started.
    life_end_at, -- End of its last visit (UTC): of an open one the instant up to which the job was seen.
    -- Its last status may be told to be over without one that follows.
    case
        when is_ended then life_end_at else greatest(life_end_at, coalesce(run_end_at, observed_at))
    end as last_end_at, -- life_end_at; of an open job the later of that and its run's end, or when it was seen.
    visit_microseconds, -- Microseconds of all its visits.
    epoch_us(life_end_at) - epoch_us(creation_time) as lifetime_microseconds, -- Microseconds from creation to life end.
    case
        when started_at is not null then greatest(0, epoch_us(started_at) - epoch_us(creation_time))
    end as wait_microseconds, -- Creation to start, 0 if told to start before; null if not started.
    run_microseconds, -- Microseconds from start to run end; 0 if it has not started.
    started_at is not null and (is_ended or training_end_time is not null)
        as is_run_ended, -- Whether it started, and its run is over.
    case
        when started_at is null then 0 else run_microseconds * cast(instance_count as decimal(19, 0))
    end as instance_microseconds, -- Run times instances; 0 if not started, null if the count is unknown.
    case
        when started_at is null then 0 else run_microseconds * cast(gpu_count as decimal(19, 0))
    end as gpu_microseconds, -- Run times GPUs; 0 if not started, null if the GPUs are unknown.
    case
        when started_at is null or gpu_count is null then 0
        else run_microseconds * cast(instance_count as decimal(19, 0))
    end as gpu_known_instance_microseconds, -- instance_microseconds if the GPUs are known, else 0.
    cast(billable_time_in_seconds as decimal(19, 0)) * 1000000
        as billable_microseconds, -- Billed time of each instance; null if unknown.
    case
        when told_warm_pool_end_at <= horizon_at then told_warm_pool_end_at
    end as warm_pool_end_at, -- End of the time after its run for which a warm pool is billed (UTC); null if none is.
    case
        when told_warm_pool_end_at <= horizon_at then cast(warm_pool_billable_seconds as decimal(19, 0)) * 1000000
    end as warm_pool_microseconds, -- Time after its run for which a warm pool is billed, of each instance.
    cast(billable_time_in_seconds as decimal(19, 0)) * 1000000 * instance_count
        as billable_instance_microseconds -- Billed time times instances; null if either is unknown.
from durations
