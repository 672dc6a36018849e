-- How fresh is what the marts tell, and how many records have gaps that bend it?
-- Metric M30.
select
    newest_observed_at,
    newest_change_age_seconds,
    documents_quarantined,
    jobs_without_start_time / jobs as share_without_start_time,
    jobs_without_end_time / jobs as share_without_end_time,
    jobs_with_unknown_gpus / jobs as share_with_unknown_gpus,
    derived_visits / visits as share_of_derived_visits,
    unattributed_visits / visits as share_of_unattributed_visits
from marts.build_info
