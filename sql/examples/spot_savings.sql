-- What does spot capacity save, month by month, and how often does it interrupt?
-- Metric M22.
select
    date as month,
    sum(ended_jobs) as ended_jobs,
    -- Weighted: a mean of the rows' own savings would count the small ones as much as the large.
    1 - sum(billed_instance_hours) / nullif(sum(trained_instance_hours), 0) as savings,
    sum(interruptions) as interruptions,
    1000 * sum(interruptions) / nullif(sum(instance_hours), 0) as interruptions_per_1000_instance_hours
from marts.spot_savings_monthly
group by date
order by month asc
