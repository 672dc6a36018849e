-- One row per day, account, region, instance type, spot or not, prepaid or not, and line of the bill (`training`, or
-- the `warm_pool` kept after it): hours billed, and what they cost at list price (M05). Heterogeneous jobs are divided
-- into their instance groups. Prices are those of reference.prices, for spot jobs of spot or else on demand; where one
-- is not known, or a training plan was paid in advance, there is no cost, and the hours that have a price tell how much
-- of the whole is known.
-- @incremental by month
-- @unique: date, account_id, region, instance_type, is_spot, is_prepaid, line
-- @check share_is_a_share: bill_known_share is null or bill_known_share between 0 and 1
-- @check priced_hours_are_billed: coalesce(priced_instance_hours, 0) <= coalesce(billed_instance_hours, 0)

with totals as (
    select
        date,
        account_id,
        region,
        instance_type,
        is_spot,
        is_prepaid,
        line,
        max(price_per_hour) as price_per_hour,
        cast(sum(instance_microseconds) filter (where is_ended) as decimal(38, 0)) as ended_instance_microseconds,
        cast(
            sum(instance_microseconds) filter (where is_ended and billed_microseconds is not null) as decimal(38, 0)
        ) as bill_known_instance_microseconds,
        cast(sum(billed_instance_microseconds) as decimal(38, 0)) as billed_instance_microseconds,
        cast(sum(priced_instance_microseconds) as decimal(38, 0)) as priced_instance_microseconds
    from staging.job_cost_days
    group by date, account_id, region, instance_type, is_spot, is_prepaid, line
)

select
    date,
    account_id,
    region,
    instance_type, -- Instance type; of heterogeneous jobs, that of each group.
    is_spot,
    is_prepaid,
    line,
    billed_instance_microseconds / 3.6e9
        as billed_instance_hours, -- Billed hours times instances; null if the bill of none is known.
    coalesce(bill_known_instance_microseconds, 0) / nullif(
        ended_instance_microseconds, 0
    ) as bill_known_share, -- Share of the hours that ended jobs used whose bill is known; null if there are none.
    price_per_hour, -- Price of an instance for an hour on this day; null if not known, or prepaid.
    priced_instance_microseconds
    / 3.6e9 as priced_instance_hours, -- Billed hours that have a price; null if prepaid, or unknown.
    billed_instance_microseconds / 3.6e9 * price_per_hour as list_cost -- Hours times price; null if either is unknown.
from totals
