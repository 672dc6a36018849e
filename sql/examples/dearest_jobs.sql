-- Which jobs cost the most at list price, and from which seconds and which price does that follow?
-- Metric M05.
select
    j.training_job_name,
    j.training_job_status,
    c.line,
    c.instance_type,
    c.instance_count,
    c.billed_seconds,
    p.price_per_hour,
    p.valid_from as price_valid_from,
    p.is_spot as price_is_spot,
    p.rate_code,
    c.list_cost
from marts.fct_training_job_costs as c
inner join marts.fct_training_jobs as j on c.training_job_arn = j.training_job_arn
inner join reference.prices as p
    on
        c.instance_type = p.instance_type
        and c.region = p.region
        and c.price_is_spot = p.is_spot
        and c.price_valid_from = p.valid_from
order by c.list_cost desc nulls last
limit 20
