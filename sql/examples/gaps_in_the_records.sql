-- How many records have gaps that bend the figures, and how fresh are the records of each account and region?
-- Metric M30.
select
    q.account_id,
    q.region,
    q.flaw,
    q.flawed_jobs,
    q.flawed_share,
    f.newest_observed_at,
    f.newest_change_age_seconds / 3600 as newest_change_age_hours
from marts.data_quality as q
inner join marts.freshness as f on q.account_id = f.account_id and q.region = f.region
where q.flawed_jobs > 0
order by q.flawed_share desc, q.account_id asc, q.region asc, q.flaw asc
