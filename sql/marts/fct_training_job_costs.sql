-- One row per training job, line of the bill (`training`, or the `warm_pool` kept after it), instance type, and price
-- in force: the seconds that it was billed at that price, and what they cost (M05). A job that a change of price came
-- amid has a row for each price, a heterogeneous one for each type of its instance groups. The price is the row of
-- reference.prices with the same instance type and region, valid from price_valid_from, and of spot or not as
-- price_is_spot tells: a spot job has the price of spot where one is in force, or else the one on demand.
-- @incremental
-- @unique: training_job_arn, line, instance_type, price_valid_from
-- @check priced_hours_are_billed: coalesce(priced_instance_hours, 0) <= coalesce(billed_instance_hours, 0)
-- @check costs_have_a_price: list_cost is null or price_valid_from is not null
-- @check spot_prices_are_of_spot_jobs: is_spot or not coalesce(price_is_spot, false)

select
    training_job_arn,
    account_id,
    region,
    line,
    instance_type,
    is_spot,
    is_prepaid,
    price_valid_from, -- Day from which the price holds; null if none is known, or a training plan paid in advance.
    price_is_spot,
    max(price_per_hour) as price_per_hour, -- Price of an instance for an hour; null as price_valid_from is.
    min(date) as first_date, -- First day of use at this price.
    max(date) as last_date, -- Last day of use at this price.
    max(instance_count) as instance_count,
    sum(billed_microseconds) / 1e6 as billed_seconds, -- Seconds billed for each instance; null if unknown.
    sum(billed_instance_microseconds)
    / 3.6e9 as billed_instance_hours, -- Billed hours times instances; null if either is unknown.
    sum(priced_instance_microseconds)
    / 3.6e9 as priced_instance_hours, -- Billed hours that have a price; null if prepaid, or unknown.
    sum(billed_instance_microseconds)
    / 3.6e9 * max(price_per_hour) as list_cost -- Hours times price; null if either is unknown.
from staging.job_cost_days
group by
    training_job_arn,
    account_id,
    region,
    line,
    instance_type,
    is_spot,
    is_prepaid,
    price_valid_from,
    price_is_spot
