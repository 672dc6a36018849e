-- One row per training job, line of the bill (`training`, or the `warm_pool` kept after it), instance type and day:
-- what of it is billed, and at what price. Heterogeneous jobs are divided into their instance groups, those of one type
-- together.
-- @incremental
-- @unique: training_job_arn, line, instance_type, date
-- @check cost_not_negative: coalesce(list_cost, 0) >= 0

with dated as (
    select
        *,
        lead(valid_from) over (partition by instance_type, region, is_spot order by valid_from) as valid_until,
        min(case when is_spot then valid_from end) over (partition by instance_type, region) as first_spot_day
    from reference.prices
),

-- A spot job has the price on demand until there is one of spot: its discount is in the seconds billed.
prices as (
    select
        p.instance_type,
        p.region,
        e.is_spot_job,
        p.is_spot,
        p.valid_from,
        p.price_per_hour,
        case
            when e.is_spot_job and not p.is_spot then least(p.valid_until, p.first_spot_day) else p.valid_until
        end as valid_until
    from dated as p
    cross join unnest([false, true]) as e (is_spot_job)
    where e.is_spot_job or not p.is_spot
),

types as (
    select
        training_job_arn,
        instance_type,
        sum(instance_count) as instance_count
    from staging.instance_groups
    group by training_job_arn, instance_type
),

parts as (
    select
        d.training_job_arn,
        case when d.kind = 'run' then 'training' else d.kind end as line,
        d.date,
        d.account_id,
        d.region,
        case when t.training_job_arn is null then d.instance_type else t.instance_type end as instance_type,
        d.is_spot,
        d.is_prepaid,
        d.is_ended,
        d.used_microseconds,
        d.billed_microseconds,
        cast(
            case when t.training_job_arn is null then d.instance_count else t.instance_count end as bigint
        ) as instance_count
    from staging.usage_days as d
    left join types as t on d.training_job_arn = t.training_job_arn
),

priced as (
    select
        d.*,
        t.team,
        j.training_job_status,
        case when j.training_job_status = 'Failed' then c.end_cause end as failure_class,
        -- As decimals: products can be beyond BIGINT.
        d.used_microseconds * cast(d.instance_count as decimal(19, 0)) as instance_microseconds,
        d.billed_microseconds * cast(d.instance_count as decimal(19, 0)) as billed_instance_microseconds,
        case when not d.is_prepaid then p.valid_from end as price_valid_from,
        case when not d.is_prepaid then p.is_spot end as price_is_spot,
        case when not d.is_prepaid then p.price_per_hour end as price_per_hour
    from parts as d
    inner join staging.training_jobs as j on d.training_job_arn = j.training_job_arn
    left join staging.teams as t on d.training_job_arn = t.training_job_arn
    left join staging.end_causes as c on d.training_job_arn = c.training_job_arn
    left join prices as p
        on
            d.instance_type = p.instance_type
            and d.region = p.region
            and d.is_spot = p.is_spot_job
            and d.date >= p.valid_from
            and (p.valid_until is null or d.date < p.valid_until)
)

select
    training_job_arn,
    line, -- Line of the bill: `training` or `warm_pool`.
    date,
    cast(date_trunc('month', date) as date) as month, -- First day of its month.
    account_id,
    region,
    instance_type, -- Instance type; of heterogeneous jobs, that of each group.
    is_spot,
    is_prepaid,
    is_ended,
    team,
    training_job_status,
    failure_class, -- Class of the job's failure by reference.failure_rules, or `unknown`; null if it did not fail.
    instance_count, -- Instances of this type; null if unknown.
    billed_microseconds,
    instance_microseconds, -- Time of use times instances; null if their count is unknown.
    billed_instance_microseconds, -- Billed time times instances; null if either is unknown.
    price_valid_from, -- Day from which the price holds: with instance type, region and price_is_spot, the price's key.
    price_is_spot, -- Whether that price is one of spot: spot jobs have it where there is one; null as that day is.
    price_per_hour, -- Price of an instance for an hour on this day; null if not known, or prepaid.
    case
        when price_per_hour is not null then billed_instance_microseconds
        when not is_prepaid and billed_instance_microseconds is not null then 0
    end as priced_instance_microseconds, -- Billed time times instances that has a price; null if prepaid, or unknown.
    billed_instance_microseconds / 3.6e9 * price_per_hour as list_cost -- Hours times price; null if either is unknown.
from priced
