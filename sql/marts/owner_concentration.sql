-- One row per kind of owner (`role`, `team` or `program`): how unequally the known owners share their instance-hours.
-- Told by the share of the top 5 % of them, and by the Gini coefficient: sum((2 i - n - 1) x_i) / (n sum(x)) over the n
-- owners in order of their hours x, i = 1 for the least; 0 if all use the same, (n - 1) / n if one uses all. Owners
-- whose jobs never ran count; the hours of unknown owners do not. Metric M26.
-- @unique: owner_kind
-- @check top_share_is_a_share: coalesce(top_instance_hour_share, 0) between 0 and 1
-- @check unknown_share_is_a_share: coalesce(unknown_instance_hour_share, 0) between 0 and 1
-- @check gini_in_its_range: gini is null or (gini >= 0 and gini < 1)

with totals as (
    select
        owner_kind,
        max(owners) as owners,
        -- A twentieth of them, rounded up.
        count(*) filter (where owner_rank * 20 < owners + 20) as top_owners,
        cast(sum(instance_microseconds) as decimal(38, 0)) as instance_microseconds,
        cast(
            coalesce(sum(instance_microseconds) filter (where owner is not null), 0) as decimal(38, 0)
        ) as known_instance_microseconds,
        cast(
            sum(instance_microseconds) filter (where owner_rank * 20 < owners + 20) as decimal(38, 0)
        ) as top_instance_microseconds,
        -- By the rank r from above, 2 i - n - 1 is n + 1 - 2 r.
        cast(
            sum(instance_microseconds * (owners + 1 - 2 * owner_rank)) filter (
                where owner is not null
            ) as decimal(38, 0)
        ) as weighted_microseconds
    from staging.owner_hours
    group by owner_kind
)

select
    owner_kind,
    owners, -- Known owners.
    top_owners, -- The top 5 % of the known owners, rounded up.
    top_instance_microseconds
    / nullif(known_instance_microseconds, 0) as top_instance_hour_share, -- Share of top_owners in known owners' hours.
    weighted_microseconds / nullif(
        known_instance_microseconds * owners, 0
    ) as gini, -- Gini coefficient of the known owners' instance-hours; null if they used none.
    (instance_microseconds - known_instance_microseconds)
    / nullif(instance_microseconds, 0) as unknown_instance_hour_share -- Share of unknown owners in all; null if none.
from totals
