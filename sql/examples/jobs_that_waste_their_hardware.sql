-- Which jobs kept their GPUs idle for the most GPU-hours, how hard did their GPUs and vCPUs work, and did one host lag?
-- Metrics M32, M34, M36.
select
    i.training_job_name,
    coalesce(i.team, 'no team') as team,
    i.instance_type,
    i.gpu_hours,
    i.idle_gpu_hours,
    i.idle_share as gpu_idle_share,
    i.mean_share as gpu_mean_share,
    c.mean_share as cpu_mean_share,
    s.spread_share as gpu_spread_share,
    i.coverage_share
from marts.idle_gpu_jobs as i
left join marts.fct_hardware_utilization as c on i.training_job_arn = c.training_job_arn and c.measure = 'cpu'
left join marts.host_skew as s on i.training_job_arn = s.training_job_arn and s.measure = 'gpu'
order by i.idle_gpu_hours desc
limit 20
