-- One row per month, account, region, prepaid or not, and line of the bill (`training`, or the `warm_pool` kept after
-- it): hours billed, and what those of known price cost at list price (M05). How much of the hours that is stands
-- beside it. What a training plan paid in advance has hours, but no cost.
-- @unique: date, account_id, region, is_prepaid, line
-- @check share_is_a_share: priced_share is null or priced_share between 0 and 1 + 1e-9

with totals as (
    select
        cast(date_trunc('month', date) as date) as date,
        account_id,
        region,
        is_prepaid,
        line,
        -- As decimals: a sum of DOUBLEs depends on their order.
        cast(sum(cast(billed_instance_hours as decimal(38, 18))) as double) as billed_instance_hours,
        cast(sum(cast(priced_instance_hours as decimal(38, 18))) as double) as priced_instance_hours,
        cast(sum(cast(list_cost as decimal(38, 18))) as double) as list_cost
    from marts.list_costs_daily
    group by cast(date_trunc('month', date) as date), account_id, region, is_prepaid, line
)

select
    date, -- First day of the month.
    account_id,
    region,
    is_prepaid,
    line,
    billed_instance_hours,
    priced_instance_hours,
    priced_instance_hours
    / nullif(billed_instance_hours, 0) as priced_share, -- Share of billed_instance_hours with a price; null if prepaid.
    list_cost -- Cost of the hours that have a price; null if none has.
from totals
