"""What failures cost: how often jobs failed for the time their instances ran, and the hours that brought nothing."""

from tests.oracle.chains import attempts
from tests.oracle.failures import judged, reason_of, stop_cause
from tests.oracle.intervals import DAY, HOUR, overlap
from tests.oracle.jobs import used_gpus
from tests.oracle.statistics import garwood, grouped, share

WORK = {"run", "setup", "save"}


def size_bucket(gpus):
    if gpus is None:
        return "unknown"
    if gpus <= 1:
        return str(gpus)
    return "2-4" if gpus <= 4 else "5-8" if gpus <= 8 else ">8"


def failure_rate(of, failures, node_time):
    """Failures for so many microseconds of nodes, and the time to one, with intervals; ``of`` is part of the names."""
    low, high = garwood(failures)
    return {
        f"failures_per_1000_{of}_days": share(1000 * failures * DAY, node_time),
        f"failures_per_1000_{of}_days_low": share(1000 * low * DAY, node_time),
        f"failures_per_1000_{of}_days_high": share(1000 * high * DAY, node_time),
        f"mttf_{of}_hours": share(node_time / HOUR, failures),
        f"mttf_{of}_hours_low": node_time / HOUR / high,
        f"mttf_{of}_hours_high": share(node_time / HOUR, low),
    }


def failures_per_node_days(jobs):
    started = [job for job in jobs if job.is_started and job.instances is not None]
    rows = []
    for bucket, alike in ({"all": started} | grouped(started, lambda job: size_bucket(job.gpus))).items():
        node_time = sum(job.instance_time for job in alike)
        ended_time = sum(job.instance_time for job in alike if job.is_ended)
        failed = [job for job in alike if job.status == "Failed"]
        infrastructure = [job for job in failed if judged(reason_of(job))[1] == "aws"]
        for scope, failures in (("all", len(failed)), ("infrastructure", len(infrastructure))):
            rows.append(
                {
                    "size_bucket": bucket,
                    "failure_scope": scope,
                    "started_jobs": len(alike),
                    "failures": failures,
                    "node_days": node_time / DAY,
                    "open_node_days": (node_time - ended_time) / DAY,
                    "ended_node_days": ended_time / DAY,
                    **failure_rate("node", failures, node_time),
                    **failure_rate("ended_node", failures, ended_time),
                    "is_small_sample": failures < 20,
                }
            )
    return rows


def _wastes(job):
    """(kind, cause, microseconds of its instances); what never had instances wasted none."""
    if not job.is_started:
        return []
    if job.status == "Failed":
        return [("failed_job", judged(reason_of(job))[0], job.run)]
    if job.status == "Stopped":
        return [("stopped_job", stop_cause(job), job.run)]
    last = attempts(job) + (job.visits[-1].phase == "interruption")
    used = [(v, overlap(v.start, v.end, job.started, job.run_end)) for v in job.visits]
    times = {"superseded_attempts": sum(time for v, time in used if v.attempt < last and v.phase in WORK)}
    if job.is_ended:
        for phase in ("setup", "save"):
            times[phase] = sum(time for v, time in used if v.attempt == last and v.phase == phase)
    return [(kind, kind, time) for kind, time in times.items() if time]


def wasted_instance_hours(jobs):
    wastes = [(job, *waste) for job in jobs for waste in _wastes(job)]
    rows = []
    for (*_, kind, cause), alike in grouped(
        wastes, lambda waste: (*waste[0].dimensions.values(), waste[1], waste[2])
    ).items():
        instance_time = sum(time * (job.instances or 0) for job, _, _, time in alike)
        gpus = used_gpus(
            (
                None if job.instances is None else time * job.instances,
                None if job.gpus is None else time * job.gpus,
            )
            for job, _, _, time in alike
        )
        by_user = cause == "user_or_api"
        rows.append(
            {
                **alike[0][0].dimensions,
                "waste": kind,
                "cause": cause,
                "jobs": len(alike),
                "wasted_instance_hours": 0 if by_user else instance_time / HOUR,
                "wasted_gpu_hours": 0 if by_user else gpus["gpu_hours"],
                "user_stopped_instance_hours": instance_time / HOUR if by_user else 0,
                "user_stopped_gpu_hours": gpus["gpu_hours"] if by_user else 0,
                "gpu_known_share": gpus["gpu_known_share"],
            }
        )
    return rows
