-- One row per series of concurrency: one for each account, region, instance type, and spot or not with a job that
-- started, and one for the whole fleet. Its number stands for all of these where there are many rows.
-- @unique: series
-- @unique: scope, account_id, region, instance_type, is_spot

with dimensions as (
    select distinct
        account_id,
        region,
        instance_type,
        is_spot
    from staging.training_job_lives
    where is_started
)

select
    row_number() over (
        order by account_id, region, instance_type, is_spot
    ) as series, -- Number of the series; 0 is the whole fleet.
    'dimensions' as scope, -- Over what is counted: `dimensions`, or `fleet`, whose dimensions are null.
    account_id,
    region,
    instance_type,
    is_spot
from dimensions
union all
select
    0 as series,
    'fleet' as scope,
    null as account_id,
    null as region,
    null as instance_type,
    null as is_spot
