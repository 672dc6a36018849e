-- Who holds instances and GPUs now, and since when?
-- Metric M02.
select
    coalesce(j.team, 'no team') as team,
    j.instance_type,
    count(*) as jobs,
    sum(j.instance_count) as instances,
    sum(j.gpu_count) as gpus,
    min(j.started_at) as oldest_started_at,
    max(j.observed_at) as last_seen_at
from marts.fct_training_jobs as j
where j.is_open and j.is_started and j.run_seconds is null and not j.is_deleted
group by coalesce(j.team, 'no team'), j.instance_type
order by gpus desc nulls last, instances desc nulls last
