-- Which job of each tuning job reached the highest value of its metrics, and how far above the median was it?
-- Metric M29.
select
    j.tuning_job_arn,
    m.metric_name,
    count(*) as jobs,
    median(m.value) as median_value,
    max(m.value) as highest_value,
    max_by(j.training_job_name, m.value) as highest_training_job_name
from lake.final_metric_data_list as m
inner join marts.fct_training_jobs as j on m.training_job_arn = j.training_job_arn
where j.tuning_job_arn is not null and not isnan(m.value)
group by j.tuning_job_arn, m.metric_name
order by j.tuning_job_arn asc, m.metric_name asc
