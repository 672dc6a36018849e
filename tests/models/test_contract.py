"""Marts and columns that others rely on: they may gain neighbours, but are never renamed or taken away."""

import pytest

from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped

DIMENSIONS = "account_id region instance_type is_spot"
FAILURE_RATES = """
    submitted_jobs completed_jobs failed_jobs stopped_jobs started_and_ended_jobs
    failure_rate failure_rate_low failure_rate_high failure_rate_strict failure_rate_all is_small_sample"""
HOURLY_USE = """
    hour peak_jobs mean_jobs peak_instances mean_instances peak_gpus mean_gpus instance_hours gpu_hours"""
QUEUE_WAIT = """
    started_jobs never_started_jobs mean_seconds p50_seconds p90_seconds p99_seconds km_p50_seconds km_p90_seconds
    abandoned_seconds"""

PROMISED = {
    "fct_training_jobs": f"""
        training_job_arn training_job_name {DIMENSIONS} instance_count gpu_count training_job_status secondary_status
        creation_time training_start_time training_end_time last_modified_time observed_at is_started is_ended is_open
        is_never_started queue_wait_seconds run_seconds lifetime_seconds billable_seconds instance_hours gpu_hours
        billable_instance_hours failure_class failure_fingerprint tuning_job_arn""",
    "fct_secondary_status_visits": """
        training_job_arn visit_index attempt secondary_status phase start_time end_time duration_seconds overlap_seconds
        is_open is_derived""",
    "secondary_status_time_daily": f"date {DIMENSIONS} secondary_status phase visits seconds instance_seconds",
    "secondary_status_time": f"""
        {DIMENSIONS} secondary_status phase jobs visits seconds lifetime_share mean_seconds p50_seconds p90_seconds
        p99_seconds""",
    "failure_rates_daily": f"date {DIMENSIONS} {FAILURE_RATES}",
    "failure_rates_monthly": f"date {DIMENSIONS} {FAILURE_RATES}",
    "failure_rates": FAILURE_RATES,
    "utilization_hourly": f"{DIMENSIONS} {HOURLY_USE}",
    "fleet_utilization_hourly": HOURLY_USE,
    "utilization_daily": f"""
        date {DIMENSIONS} submitted_jobs started_jobs ended_jobs instance_hours gpu_hours billable_instance_hours
        training_share""",
    "queue_wait_monthly": QUEUE_WAIT,
    "queue_wait": QUEUE_WAIT,
    "build_info": "",
}
TYPES = {"date": "DATE", "hour": "TIMESTAMP"}


@pytest.fixture(scope="module")
def marts():
    return {
        mart.name: {column.name: column.type for column in mart.columns}
        for mart in load_catalogue(shipped("sql")).marts
    }


@pytest.mark.parametrize("mart", PROMISED)
def test_what_is_promised_is_there(mart, marts):
    columns = PROMISED[mart].split()
    assert [column for column in columns if column not in marts[mart]] == []
    assert {column: marts[mart][column] for column in columns if column in TYPES} == {
        column: kind for column, kind in TYPES.items() if column in columns
    }
