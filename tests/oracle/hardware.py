"""The marts of how hard the hardware of jobs worked, from measurements: rows of `lake.hardware_metrics`, as dicts.

``reference["hardware_metrics"]`` has them.
"""

from datetime import timedelta
from fractions import Fraction

from tests.oracle.instance_types import TYPES
from tests.oracle.intervals import EPOCH, HOUR, SECOND, overlap
from tests.oracle.owners import team_of
from tests.oracle.statistics import grouped, hours, share

MEASURES = {
    "GPUUtilization": "gpu",
    "GPUMemoryUtilization": "gpu_memory",
    "CPUUtilization": "cpu",
    "MemoryUtilization": "memory",
    "DiskUtilization": "disk",
}


def devices(job, measure):
    """How many of it each host has whose values count; None if no one knows."""
    if measure in ("memory", "disk"):
        return 1
    column = "vcpus" if measure == "cpu" else "gpus"
    is_of_groups = bool((job.document.get("ResourceConfig") or {}).get("InstanceGroups"))
    groups = [name for name, count in job.groups if not is_of_groups or count != 0]
    counts = [TYPES.get(name, {}).get(column) for name in groups]
    if not counts or not all(counts):  # none, unknown, or empty
        return None
    having = {int(count) for count in counts} - ({0} if column == "gpus" else set())
    return having.pop() if len(having) == 1 else None


def uses(jobs, reference):
    """(job, measure) -> its (time, host, share, greatest share, period) that were measured during the run."""
    by_arn = {job.document["TrainingJobArn"]: job for job in jobs}
    found = {}
    for point in reference.get("hardware_metrics", []):
        job, measure = by_arn.get(point["training_job_arn"]), MEASURES.get(point["metric_name"])
        if job is None or measure is None or not job.is_started:
            continue
        start = (point["period_start"] - EPOCH) // timedelta(microseconds=1)
        time = overlap(start, start + point["period_seconds"] * SECOND, job.started, job.run_end)
        have = devices(job, measure)
        if time and have:
            most = max(point["value"], point["value"] if point["maximum"] is None else point["maximum"])
            use = (time, point["host"], point["value"] / (100 * have), most / (100 * have), point["period_seconds"])
            found.setdefault((job.document["TrainingJobArn"], measure), (job, []))[1].append(use)
    return [(job, measure, measured) for (_, measure), (job, measured) in found.items()]


def dimensions(job):
    return {
        "training_job_arn": job.document["TrainingJobArn"],
        "training_job_name": job.document.get("TrainingJobName"),
        **job.dimensions,
        "instance_count": job.instances,
    }


def hardware_utilization(jobs, reference):
    rows = []
    for job, measure, measured in uses(jobs, reference):
        time = sum(use[0] for use in measured)
        idle = sum(use[0] for use in measured if use[2] < 0.05)
        is_of_gpus = measure in ("gpu", "gpu_memory")
        have = devices(job, "gpu")
        rows.append(
            {
                **dimensions(job),
                "team": team_of(job),
                "measure": measure,
                "measured_hosts": len({use[1] for use in measured}),
                "measured_host_hours": hours(time),
                "coverage_share": share(time * have, job.gpu_time) if is_of_gpus else share(time, job.instance_time),
                "mean_share": mean(measured),
                "p50_share": least_share(measured, 50),
                "p95_share": least_share(measured, 95),
                "max_share": max(use[3] for use in measured),
                "idle_share": idle / time,
                "idle_gpu_hours": idle * have / HOUR if measure == "gpu" else None,
                "longest_period_seconds": max(use[4] for use in measured),
            }
        )
    return rows


def mean(measured):
    exact = sum(Fraction(use[2]) * use[0] for use in measured) / sum(use[0] for use in measured)
    return float(exact)


def least_share(measured, percent):
    """The least share so that shares up to it have this much of the time."""
    time, reached = sum(use[0] for use in measured), 0
    for use in sorted(measured, key=lambda use: use[2]):
        reached += use[0]
        if reached * 100 >= time * percent:
            return use[2]
    raise AssertionError("no time at all")


def idle_gpu_hours(jobs, reference):
    measured_of = {id(job): measured for job, measure, measured in uses(jobs, reference) if measure == "gpu"}
    rows = []
    on_gpus = [job for job in jobs if job.gpu_time]
    for (team, instance_type), alike in grouped(on_gpus, lambda job: (team_of(job), job.instance_type)).items():
        known = [(devices(job, "gpu"), use) for job in alike for use in measured_of.get(id(job), ())]
        if not known:
            continue
        held = sum(job.gpu_time for job in alike)
        time = sum(have * use[0] for have, use in known)
        idle = sum(have * use[0] for have, use in known if use[2] < 0.05)
        used = float(sum(have * use[0] * Fraction(use[2]) for have, use in known))
        rows.append(
            {
                "team": team,
                "instance_type": instance_type,
                "jobs": len(alike),
                "measured_jobs": sum(id(job) in measured_of for job in alike),
                "gpu_hours": hours(held),
                "measured_gpu_hours": hours(time),
                "coverage_share": time / held,
                "idle_gpu_hours": hours(idle),
                "idle_share": idle / time,
                "unused_gpu_hours": hours(time - used),
                "mean_share": used / time,
            }
        )
    return rows


def idle_gpu_jobs(jobs, reference):
    by_arn = {job.document["TrainingJobArn"]: job for job in jobs}
    return [
        {
            name: row[name]
            for name in (*dimensions(by_arn[row["training_job_arn"]]), "team", "idle_gpu_hours", "idle_share")
        }
        | {name: row[name] for name in ("mean_share", "p95_share", "coverage_share")}
        | {
            "role_arn": by_arn[row["training_job_arn"]].document.get("RoleArn") or None,
            "training_job_status": by_arn[row["training_job_arn"]].status,
            "gpu_count": by_arn[row["training_job_arn"]].gpus,
            "gpu_hours": hours(by_arn[row["training_job_arn"]].gpu_time),
        }
        for row in hardware_utilization(jobs, reference)
        if row["measure"] == "gpu" and row["idle_share"] >= 0.5
    ]


def right_sizing_candidates(jobs, reference):
    rows = []
    by_arn = grouped(hardware_utilization(jobs, reference), lambda row: row["training_job_arn"])
    for job in jobs:
        of_job = {row["measure"]: row for row in by_arn.get(job.document["TrainingJobArn"], ())}
        of_job.pop("disk", None)
        own = size(job.instance_type)
        if own is None or own["accelerators"] or not job.is_run_over:
            continue
        needed = {"vcpus": "cpu", "memory_gib": "memory", "gpus": "gpu", "gpu_memory_gib": "gpu_memory"}
        if not own["gpus"]:
            needed = {"vcpus": "cpu", "memory_gib": "memory"}
        if not set(needed.values()) <= set(of_job):
            continue
        if any(row["measured_hosts"] != job.instances for row in of_job.values()):
            continue
        most = {"gpus": 0, "gpu_memory_gib": 0}
        most |= {column: of_job[measure]["max_share"] * own[column] for column, measure in needed.items()}
        smaller = [
            (each["vcpus"], each["gpus"], each["memory_gib"], name)
            for name in TYPES
            for each in [size(name)]
            if TYPES[name]["instance_family"] == TYPES[job.instance_type]["instance_family"]
            and each is not None
            and each["vcpus"] < own["vcpus"]
            and all(most[column] <= 0.9 * each[column] for column in most)
        ]
        if smaller:
            rows.append(
                {
                    **dimensions(job),
                    "role_arn": job.document.get("RoleArn") or None,
                    "instance_hours": hours(job.instance_time),
                    **{column: own[column] for column in most},
                    **{f"most_{column}": value for column, value in most.items()},
                    "fitting_instance_type": min(smaller)[3],
                    "fitting_vcpus": min(smaller)[0],
                    "coverage_share": min(row["coverage_share"] for row in of_job.values()),
                }
            )
    return rows


def size(name):
    """What an instance of a type has; None if that is not known."""
    row = TYPES.get(name)
    if row is None or not row["gpus"]:
        return None
    return {
        "vcpus": int(row["vcpus"]),
        "memory_gib": float(row["memory_gib"]),
        "gpus": int(row["gpus"]),
        "gpu_memory_gib": float(row["gpu_memory_gib"] or 0),
        "accelerators": int(row["accelerators"] or 0),
    }


def host_skew(jobs, reference):
    rows = []
    for job, measure, measured in uses(jobs, reference):
        means = sorted((mean(uses), host) for host, uses in grouped(measured, lambda use: use[1]).items())
        if len(means) > 1:
            least, least_host = means[0]
            greatest, greatest_host = min(means, key=lambda found: (-found[0], found[1]))
            rows.append(
                {
                    **dimensions(job),
                    "measure": measure,
                    "measured_hosts": len(means),
                    "least_host": least_host,
                    "least_mean_share": least,
                    "greatest_host": greatest_host,
                    "greatest_mean_share": greatest,
                    "spread_share": greatest - least,
                }
            )
    return rows
