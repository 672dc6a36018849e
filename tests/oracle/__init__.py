"""Every mart again, in plain Python: documents in, rows out, by another way than SQL would take.

It shares nothing with `sql/`: instants are integer microseconds, sums are of integers and divided last, and what SQL
sweeps is looped over here. Only tests use it. The rules that give a failure its class are data: it reads the same.
"""

from collections.abc import Callable

import pytest

from tests.oracle.chains import goodput_monthly, retry_chains
from tests.oracle.facts import secondary_status_visits, training_jobs
from tests.oracle.failures import failure_classes, failure_classes_monthly, failure_fingerprints, stop_causes
from tests.oracle.final_metrics import final_metrics, final_metrics_by_group
from tests.oracle.fleet import arrivals, calendar, fleet_totals, job_size_quantiles, job_sizes
from tests.oracle.hardware import (
    hardware_utilization,
    host_skew,
    idle_gpu_hours,
    idle_gpu_jobs,
    right_sizing_candidates,
)
from tests.oracle.limits import limit_accuracy
from tests.oracle.owners import instance_hours_by_owner, owner_concentration
from tests.oracle.quality import data_quality, freshness
from tests.oracle.rates import (
    failure_rates,
    failure_rates_by_cohort,
    failure_rates_daily,
    failure_rates_monthly,
    final_status_shares,
)
from tests.oracle.runs import run_time, run_time_by_instance_type, slowdown
from tests.oracle.spot import spot_savings_monthly
from tests.oracle.status_time import (
    secondary_status_time,
    secondary_status_time_by_attempt,
    secondary_status_time_daily,
)
from tests.oracle.stuck import stuck_jobs
from tests.oracle.tuning import tuning_jobs
from tests.oracle.usage import (
    capacity_utilization_daily,
    fleet_totals_daily,
    instance_type_utilization_daily,
    list_costs_by_team_and_status_daily,
    list_costs_daily,
    list_costs_monthly,
    quota_utilization_daily,
    quota_utilization_hourly,
    training_job_costs,
)
from tests.oracle.utilization import (
    concurrency_levels,
    fleet_concurrency_levels,
    fleet_utilization_hourly,
    utilization_daily,
    utilization_hourly,
)
from tests.oracle.waits import queue_wait, queue_wait_by_attempt, queue_wait_by_instance_type, queue_wait_monthly
from tests.oracle.waste import failures_per_node_days, wasted_instance_hours

# A failed comparison shall tell the values.
pytest.register_assert_rewrite("tests.oracle.expected")

DIMENSIONS = ("account_id", "region", "instance_type", "is_spot")

# Mart -> (its rows from jobs, the columns that tell its rows apart).
_MARTS = {
    "fct_training_jobs": (training_jobs, ("training_job_arn",)),
    "fct_secondary_status_visits": (secondary_status_visits, ("training_job_arn", "visit_index")),
    "secondary_status_time": (secondary_status_time, (*DIMENSIONS, "secondary_status", "phase")),
    "secondary_status_time_by_attempt": (
        secondary_status_time_by_attempt,
        (*DIMENSIONS, "attempt", "secondary_status", "phase"),
    ),
    "secondary_status_time_daily": (secondary_status_time_daily, ("date", *DIMENSIONS, "secondary_status", "phase")),
    "failure_rates": (failure_rates, ()),
    "failure_rates_daily": (failure_rates_daily, ("date", *DIMENSIONS)),
    "failure_rates_monthly": (failure_rates_monthly, ("date", *DIMENSIONS)),
    "failure_rates_by_cohort": (failure_rates_by_cohort, ("date", *DIMENSIONS)),
    "final_status_shares": (final_status_shares, ("training_job_status",)),
    "utilization_hourly": (utilization_hourly, ("hour", *DIMENSIONS)),
    "fleet_utilization_hourly": (fleet_utilization_hourly, ("hour",)),
    "utilization_daily": (utilization_daily, ("date", *DIMENSIONS)),
    "stop_causes": (stop_causes, (*DIMENSIONS, "stop_cause")),
    "failure_classes": (failure_classes, ("failure_class", "failure_actor")),
    "failure_classes_monthly": (failure_classes_monthly, ("date", *DIMENSIONS, "failure_class", "failure_actor")),
    "failure_fingerprints": (failure_fingerprints, ("failure_fingerprint", "failure_class")),
    "failures_per_node_days": (failures_per_node_days, ("size_bucket", "failure_scope")),
    "wasted_instance_hours": (wasted_instance_hours, (*DIMENSIONS, "waste", "cause")),
    "fct_retry_chains": (retry_chains, ("chain_job_arn",)),
    "goodput_monthly": (goodput_monthly, ("date", *DIMENSIONS)),
    "concurrency_levels": (concurrency_levels, (*DIMENSIONS, "measure", "level")),
    "fleet_concurrency_levels": (fleet_concurrency_levels, ("measure", "level")),
    "instance_type_utilization_daily": (instance_type_utilization_daily, ("date", *DIMENSIONS)),
    "fleet_totals": (fleet_totals, ()),
    "job_sizes": (job_sizes, ("size_bucket",)),
    "job_size_quantiles": (job_size_quantiles, ("measure",)),
    "calendar": (calendar, ("date",)),
    "arrivals": (arrivals, ("weekday", "hour_of_day")),
    "run_time": (run_time, ()),
    "run_time_by_instance_type": (run_time_by_instance_type, ("instance_type",)),
    "slowdown": (slowdown, DIMENSIONS),
    "spot_savings_monthly": (spot_savings_monthly, ("date", "account_id", "region", "instance_type")),
    "tuning_jobs": (tuning_jobs, ("parent_kind", "parent_job_arn", "account_id", "region")),
    "limit_accuracy": (limit_accuracy, (*DIMENSIONS, "is_default_limit")),
    "instance_hours_by_owner": (instance_hours_by_owner, ("owner_kind", "owner")),
    "owner_concentration": (owner_concentration, ("owner_kind",)),
    "fct_final_metrics": (final_metrics, ("training_job_arn", "metric_name")),
    "final_metrics_by_group": (
        final_metrics_by_group,
        ("group_kind", "group_name", "account_id", "region", "metric_name"),
    ),
    "data_quality": (data_quality, ("account_id", "region", "flaw")),
    "freshness": (freshness, ("account_id", "region")),
    "stuck_jobs": (stuck_jobs, ("training_job_arn",)),
    "queue_wait": (queue_wait, ()),
    "queue_wait_by_attempt": (queue_wait_by_attempt, ("attempt",)),
    "queue_wait_by_instance_type": (queue_wait_by_instance_type, DIMENSIONS),
    "queue_wait_monthly": (queue_wait_monthly, ("date",)),
}


# The same, of those that also read reference data, or measurements.
_REFERRING_MARTS = {
    "fleet_totals_daily": (fleet_totals_daily, ("date",)),
    "list_costs_daily": (list_costs_daily, ("date", *DIMENSIONS, "is_prepaid", "line")),
    "list_costs_monthly": (list_costs_monthly, ("date", "account_id", "region", "is_prepaid", "line")),
    "fct_hardware_utilization": (hardware_utilization, ("training_job_arn", "measure")),
    "idle_gpu_hours": (idle_gpu_hours, ("team", "instance_type")),
    "idle_gpu_jobs": (idle_gpu_jobs, ("training_job_arn",)),
    "right_sizing_candidates": (right_sizing_candidates, ("training_job_arn",)),
    "host_skew": (host_skew, ("training_job_arn", "measure")),
    "list_costs_by_team_and_status_daily": (
        list_costs_by_team_and_status_daily,
        ("date", "account_id", "region", "team", "training_job_status", "failure_class", "is_prepaid", "line"),
    ),
    "fct_training_job_costs": (
        training_job_costs,
        ("training_job_arn", "line", "instance_type", "price_valid_from"),
    ),
    "quota_utilization_daily": (quota_utilization_daily, ("date", *DIMENSIONS, "kind")),
    "quota_utilization_hourly": (quota_utilization_hourly, ("hour", *DIMENSIONS, "kind")),
    "capacity_utilization_daily": (capacity_utilization_daily, ("date", "account_id", "region", "instance_type")),
}

NO_REFERENCE: dict[str, list[dict]] = {"prices": [], "quotas": [], "capacities": []}


def _of_jobs(name, mart) -> Callable[..., list[dict]]:
    def rows(jobs, reference=NO_REFERENCE):
        return mart(jobs, reference) if name in _REFERRING_MARTS else mart(jobs)

    return rows


# Mart -> f(jobs, reference): its rows. Jobs are those of documents (`jobs.jobs_of`); `reference`: rows of its tables.
MARTS: dict[str, Callable[..., list[dict]]] = {
    name: _of_jobs(name, mart) for name, (mart, _) in (_MARTS | _REFERRING_MARTS).items()
}

# Mart -> the columns that tell its rows apart; none where it has one row.
GRAINS: dict[str, tuple[str, ...]] = {name: grain for name, (_, grain) in (_MARTS | _REFERRING_MARTS).items()}
