"""The marts that have a row for each job or visit."""

from tests.oracle.failures import fingerprint, judged, reason_of
from tests.oracle.instance_types import TYPES
from tests.oracle.intervals import timestamp
from tests.oracle.jobs import possible_seconds
from tests.oracle.owners import team_of
from tests.oracle.statistics import hours, seconds


def training_jobs(jobs):
    return [
        {
            "training_job_arn": job.document["TrainingJobArn"],
            "training_job_name": job.document.get("TrainingJobName"),
            **job.dimensions,
            "instance_family": TYPES.get(job.instance_type, {}).get("instance_family"),
            "gpu_model": TYPES.get(job.instance_type, {}).get("gpu_model") or None,
            "instance_count": job.instances,
            "gpu_count": job.gpus,
            "training_job_status": job.status,
            "secondary_status": job.document.get("SecondaryStatus"),
            "creation_time": timestamp(job.created),
            "training_start_time": timestamp(job.instant("TrainingStartTime")),
            "training_end_time": timestamp(job.instant("TrainingEndTime")),
            "last_modified_time": timestamp(job.instant("LastModifiedTime")),
            "observed_at": timestamp(job.observed),
            "has_future_times": job.has_future_times,
            "started_at": timestamp(job.started),
            "run_end_at": timestamp(job.run_end),
            "life_end_at": timestamp(job.life_end),
            "is_started": job.is_started,
            "is_ended": job.is_ended,
            "is_open": not job.is_ended,
            "is_never_started": job.is_never_started,
            # No document says that its source no longer has it.
            "is_deleted": False,
            "deleted_at": None,
            "queue_wait_seconds": seconds(job.wait),
            "run_seconds": seconds(job.run) if job.is_run_over else None,
            "lifetime_seconds": seconds(job.lifetime),
            "training_time_in_seconds": possible_seconds(job.document.get("TrainingTimeInSeconds")),
            "max_runtime_in_seconds": (job.document.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
            "billable_seconds": possible_seconds(job.document.get("BillableTimeInSeconds")),
            "warm_pool_status": job.warm_pool.get("Status"),
            "warm_pool_billable_seconds": possible_seconds(job.warm_pool.get("ResourceRetainedBillableTimeInSeconds")),
            "instance_hours": hours(job.instance_time),
            "gpu_hours": hours(job.gpu_time),
            "billable_instance_hours": hours(job.billable_instance_time),
            "team": team_of(job),
            "role_arn": job.document.get("RoleArn") or None,
            "experiment_name": (job.document.get("ExperimentConfig") or {}).get("ExperimentName") or None,
            "training_image": job.algorithm.get("TrainingImage") or None,
            "algorithm_name": job.algorithm.get("AlgorithmName") or None,
            "training_plan_arn": (job.document.get("ResourceConfig") or {}).get("TrainingPlanArn") or None,
            "tuning_job_arn": job.document.get("TuningJobArn") or None,
            "auto_ml_job_arn": job.document.get("AutoMLJobArn") or None,
            "labeling_job_arn": job.document.get("LabelingJobArn") or None,
            "failure_reason": job.document.get("FailureReason") or None,
            "failure_class": judged(reason_of(job))[0] if job.status == "Failed" else None,
            "failure_actor": judged(reason_of(job))[1] if job.status == "Failed" else None,
            "failure_fingerprint": fingerprint(reason_of(job)) if reason_of(job) else None,
        }
        for job in jobs
    ]


def secondary_status_visits(jobs):
    return [
        {
            "training_job_arn": job.document["TrainingJobArn"],
            **job.dimensions,
            "visit_index": index,
            "attempt": visit.attempt,
            "secondary_status": visit.status,
            "phase": visit.phase,
            "start_time": timestamp(visit.start),
            "end_time": timestamp(visit.end),
            "duration_seconds": seconds(visit.length),
            "overlap_seconds": seconds(visit.overlap),
            "is_negative": visit.is_negative,
            "is_open": visit.is_open,
            "is_derived": visit.is_derived,
        }
        for job in jobs
        for index, visit in enumerate(job.visits, start=1)
    ]
