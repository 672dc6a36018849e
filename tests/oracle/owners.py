"""The marts of who uses the fleet, and how unequally."""

from fractions import Fraction

from tests.oracle.chains import script_of
from tests.oracle.jobs import used
from tests.oracle.statistics import grouped, hours, share


def team_of(job):
    tags = job.document.get("Tags") or []
    return next((tag["Value"] for tag in tags if tag.get("Key", "").lower() == "team" and tag.get("Value")), None)


def _program(job):
    return script_of(job) or job.algorithm.get("TrainingImage") or job.algorithm.get("AlgorithmName") or None


OWNERS = {"role": lambda job: job.document.get("RoleArn") or None, "team": team_of, "program": _program}


def instance_hours_by_owner(jobs):
    everything = sum(job.instance_time or 0 for job in jobs)
    rows = []
    for kind, owner_of in OWNERS.items():
        times = _instance_times(jobs, owner_of)
        ranked = sorted((owner for owner in times if owner is not None), key=lambda owner: (-times[owner], owner))
        for owner, owned in grouped(jobs, owner_of).items():
            rows.append(
                {
                    "owner_kind": kind,
                    "owner": owner,
                    "jobs": len(owned),
                    **used(owned),
                    "instance_hours": hours(times[owner]),
                    "instance_hour_share": share(times[owner], everything),
                    "owner_rank": None if owner is None else ranked.index(owner) + 1,
                }
            )
    return rows


def owner_concentration(jobs):
    rows = []
    for kind, owner_of in OWNERS.items() if jobs else ():
        times = _instance_times(jobs, owner_of)
        unknown = times.pop(None, 0)
        ordered = sorted(times.values(), reverse=True)
        top = ordered[: -(-len(ordered) // 20)]
        # Half the mean difference of any two owners, over the mean: the same as the formula of ranks.
        differences = sum(abs(one - other) for one in ordered for other in ordered)
        rows.append(
            {
                "owner_kind": kind,
                "owners": len(ordered),
                "top_owners": len(top),
                "top_instance_hour_share": share(sum(top), sum(ordered)),
                "gini": float(Fraction(differences, 2 * len(ordered) * sum(ordered))) if sum(ordered) else None,
                "unknown_instance_hour_share": share(unknown, unknown + sum(ordered)),
            }
        )
    return rows


def _instance_times(jobs, owner_of):
    return {owner: sum(job.instance_time or 0 for job in owned) for owner, owned in grouped(jobs, owner_of).items()}
