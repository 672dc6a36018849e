"""The marts of the metrics that jobs ended with."""

from fractions import Fraction
from math import isfinite

from tests.oracle.intervals import microseconds, timestamp
from tests.oracle.statistics import grouped, quantile


def _last_values(job):
    """Metric -> (value, microseconds or None) of the last that the record tells."""
    last = {}
    for told in job.document.get("FinalMetricDataList") or []:
        name, value, time = told.get("MetricName"), told.get("Value"), microseconds(told.get("Timestamp"))
        if not name or value is None:
            continue
        if name not in last or last[name][1] is None or (time is not None and time >= last[name][1]):
            last[name] = (float(value), time)  # "NaN", "Infinity" and "-Infinity" are texts
    return last


def final_metrics(jobs):
    return [
        {
            "training_job_arn": job.document["TrainingJobArn"],
            "account_id": job.account_id,
            "region": job.region,
            "tuning_job_arn": job.document.get("TuningJobArn") or None,
            "experiment_name": (job.document.get("ExperimentConfig") or {}).get("ExperimentName") or None,
            "algorithm": _algorithm(job) or None,
            "metric_name": name,
            "value": value,
            "measured_at": timestamp(time),
        }
        for job in jobs
        for name, (value, time) in _last_values(job).items()
    ]


def _algorithm(job):
    return job.algorithm.get("AlgorithmName") or job.algorithm.get("TrainingImage")


GROUPS = {
    "tuning_job": lambda job: job.document.get("TuningJobArn"),
    "experiment": lambda job: (job.document.get("ExperimentConfig") or {}).get("ExperimentName"),
    "algorithm": _algorithm,
}


def final_metrics_by_group(jobs):
    rows = []
    for kind, group_of in GROUPS.items():
        told = [
            ((group_of(job), job.account_id, job.region, name), value, job.document["TrainingJobArn"])
            for job in jobs
            for name, (value, _) in _last_values(job).items()
            if group_of(job) and isfinite(value)
        ]
        for (group, account_id, region, name), alike in grouped(told, lambda entry: entry[0]).items():
            values = sorted((value, arn) for _, value, arn in alike)
            greatest = values[-1][0]
            rows.append(
                {
                    "group_kind": kind,
                    "group_name": group,
                    "account_id": account_id,
                    "region": region,
                    "metric_name": name,
                    "jobs": len(values),
                    "is_small_sample": len(values) < 20,
                    "least_value": values[0][0],
                    "p50_value": quantile([Fraction(value) for value, _ in values], "0.5"),
                    "greatest_value": greatest,
                    "least_training_job_arn": values[0][1],
                    "greatest_training_job_arn": min(arn for value, arn in values if value == greatest),
                }
            )
    return rows
