-- Which programs are retried the most, do they get there in the end, and how much of their time was productive?
-- Metric M21.
select
    role_arn,
    program,
    count(*) as retried_chains,
    sum(retries) as retries,
    count(*) filter (where training_job_status = 'Completed') as completed_chains,
    sum(productive_seconds_low) / nullif(sum(elapsed_seconds), 0) as ettr_low,
    sum(productive_seconds_high) / nullif(sum(elapsed_seconds), 0) as ettr_high
from marts.fct_retry_chains
where retries > 0
group by role_arn, program
order by retries desc, program asc
limit 20
