-- Which job of each tuning job ended with the highest value of each metric, and how far above the median is it?
-- Metric M29.
select
    m.group_name as tuning_job_arn,
    m.metric_name,
    m.jobs,
    m.p50_value,
    m.greatest_value,
    m.greatest_value - m.p50_value as above_median,
    j.training_job_name
from marts.final_metrics_by_group as m
inner join marts.fct_training_jobs as j on m.greatest_training_job_arn = j.training_job_arn
where m.group_kind = 'tuning_job'
order by m.group_name asc, m.metric_name asc
