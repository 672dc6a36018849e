-- Which failures come again and again, since when, and are they still with us?
-- Metric M17.
select
    failure_class,
    min_by(failure_reason, creation_time) as first_failure_reason,
    count(*) as jobs,
    count(distinct role_arn) as roles,
    min(life_end_at) as first_seen_at,
    max(life_end_at) as last_seen_at
from marts.fct_training_jobs
where failure_fingerprint is not null
group by failure_fingerprint, failure_class
having count(*) > 1
order by jobs desc, last_seen_at desc
limit 20
