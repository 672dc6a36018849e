"""Training jobs as plain objects, from documents in the API's wire shape: their life, their run, their size.

What their transitions become is in visits.py.
"""

from dataclasses import dataclass
from functools import cached_property

from tests.oracle.intervals import DAY, microseconds
from tests.oracle.statistics import hours, share, total
from tests.oracle.visits import derived_visits, told_transitions, told_visits


@dataclass
class Job:
    """One document; ``observed_at``: its source's last look; ``gpus_of_type``: instance type -> GPUs or None."""

    document: dict
    observed_at: int
    gpus_of_type: dict

    def instant(self, member):
        """One of its times; None if absent, or if it can not be: beyond the horizon."""
        told = microseconds(self.document.get(member))
        return None if told is None or told > self.horizon else told

    @cached_property
    def horizon(self):
        """The latest instant that a record seen at ``observed_at`` can tell of, as clocks may differ by a day."""
        return max(self.observed_at, self.created) + DAY

    @cached_property
    def has_future_times(self):
        told = [self.document.get(member) for member in ("TrainingStartTime", "TrainingEndTime", "LastModifiedTime")]
        for entry in self.document.get("SecondaryStatusTransitions") or []:
            told += [entry.get("StartTime"), entry.get("EndTime")]
        return any(microseconds(time) > self.horizon for time in told if time is not None)

    @cached_property
    def account_id(self):
        return self.document["TrainingJobArn"].split(":")[4]

    @cached_property
    def region(self):
        return self.document["TrainingJobArn"].split(":")[3]

    @cached_property
    def status(self):
        return self.document.get("TrainingJobStatus")

    @cached_property
    def is_ended(self):
        return self.status in ("Completed", "Failed", "Stopped")

    @cached_property
    def created(self):
        return microseconds(self.document.get("CreationTime"))

    @cached_property
    def transitions(self):
        return told_transitions(self.document, self.horizon)

    @cached_property
    def observed(self):
        """When it was last known to be as it is."""
        known = [self.observed_at, self.created, self.instant("LastModifiedTime")]
        known += [start for start, _, _ in self.transitions[-1:]]
        return max(instant for instant in known if instant is not None)

    @cached_property
    def visits(self):
        end = self.observed
        if self.is_ended:
            end = self.instant("TrainingEndTime")
            end = self.instant("LastModifiedTime") if end is None else end
        if self.transitions:
            return told_visits(self.transitions, self.created, end, not self.is_ended)
        return derived_visits(self.created, self.instant("TrainingStartTime"), end, not self.is_ended)

    @cached_property
    def life_end(self):
        return self.visits[-1].end

    @cached_property
    def last_end(self):
        """Up to when chains and tuning jobs count it: an open job's last status may be told to be over."""
        if self.is_ended:
            return self.life_end
        return max(self.life_end, self.run_end if self.is_started else self.observed)

    @cached_property
    def lifetime(self):
        return self.life_end - self.created

    @cached_property
    def started(self):
        """When it got its instances; None if it never did."""
        started = self.instant("TrainingStartTime")
        working = [visit.start for visit in self.visits if visit.status in ("Training", "Downloading")]
        if started is None and not working:
            return None
        return min(working) if started is None else started

    @cached_property
    def is_started(self):
        return self.started is not None

    @cached_property
    def wait(self):
        return max(0, self.started - self.created) if self.is_started else None

    @cached_property
    def is_never_started(self):
        return self.is_ended and not self.is_started

    @cached_property
    def run_end(self):
        if not self.is_started:
            return None
        end = self.instant("TrainingEndTime")
        if end is None and self.is_ended:
            holding = [
                visit.end
                for visit in self.visits
                if visit.phase not in ("queue", "terminal") and visit.status not in ("Unattributed", None)
            ]
            end = max(holding, default=self.life_end)
        return max(self.started, self.observed if end is None else end)

    @cached_property
    def run(self):
        """Length of its run, 0 if it did not start."""
        return self.run_end - self.started if self.is_started else 0

    @cached_property
    def groups(self):
        """Its (instance type, count), of which a homogeneous job has one."""
        config = self.document.get("ResourceConfig") or {}
        return [
            (group.get("InstanceType"), group.get("InstanceCount"))
            for group in config.get("InstanceGroups") or [config]
        ]

    @cached_property
    def algorithm(self):
        return self.document.get("AlgorithmSpecification") or {}

    @cached_property
    def instance_type(self):
        config = self.document.get("ResourceConfig") or {}
        return "heterogeneous" if config.get("InstanceGroups") else config.get("InstanceType") or "unknown"

    @cached_property
    def instances(self):
        counts = [count for _, count in self.groups]
        return sum(counts) if all(count is not None and 0 <= count <= 1_000_000 for count in counts) else None

    @cached_property
    def gpus(self):
        gpus = [self.gpus_of_type.get(instance_type) for instance_type, _ in self.groups]
        if None in gpus or self.instances is None:
            return None
        return sum(each * count for each, (_, count) in zip(gpus, self.groups, strict=True))

    @cached_property
    def is_spot(self):
        return bool(self.document.get("EnableManagedSpotTraining"))

    @cached_property
    def dimensions(self):
        return {
            "account_id": self.account_id,
            "region": self.region,
            "instance_type": self.instance_type,
            "is_spot": self.is_spot,
        }

    @cached_property
    def instance_time(self):
        """Instances x run, in microseconds; None if unknown."""
        return self._of_run(self.instances)

    @cached_property
    def gpu_time(self):
        return self._of_run(self.gpus)

    def _of_run(self, count):
        if not self.is_started:
            return 0
        return None if count is None else count * self.run

    @cached_property
    def billable(self):
        return microseconds(possible_seconds(self.document.get("BillableTimeInSeconds")))

    @cached_property
    def training_time(self):
        return microseconds(possible_seconds(self.document.get("TrainingTimeInSeconds")))

    @cached_property
    def warm_pool(self):
        return self.document.get("WarmPoolStatus") or {}

    @cached_property
    def retained(self):
        """How long a warm pool was kept after it, if the record tells so and that can be."""
        told = microseconds(possible_seconds(self.warm_pool.get("ResourceRetainedBillableTimeInSeconds")))
        return None if told is None or self.released + told > self.horizon else told

    @cached_property
    def released(self):
        """When it no longer needed its instances."""
        return self.run_end if self.is_started else self.life_end

    @cached_property
    def is_run_over(self):
        return self.is_started and (self.is_ended or self.instant("TrainingEndTime") is not None)

    @cached_property
    def is_prepaid(self):
        return bool((self.document.get("ResourceConfig") or {}).get("TrainingPlanArn"))

    @cached_property
    def sizes_by_type(self):
        """(instance type, instances, GPUs) of each of its groups; None where unknown."""
        sizes = []
        for instance_type, count in self.groups:
            instances = count if count is not None and 0 <= count <= 1_000_000 else None
            each = self.gpus_of_type.get(instance_type)
            gpus = None if instances is None or each is None else instances * each
            sizes.append((instance_type or "unknown", instances, gpus))
        return sizes

    @cached_property
    def billable_instance_time(self):
        return None if self.billable is None or self.instances is None else self.billable * self.instances


def possible_seconds(told):
    """What a record tells of trained or billed seconds; None if absent, or if it can not be."""
    return told if told is not None and 0 <= told <= 1_000_000_000 else None


def jobs_of(documents, as_of, gpus_of_type):
    """Every job of documents that were all observed at ``as_of``, in epoch seconds.

    Each keeps what was worked out of it: marts of the same jobs share that.
    """
    return [Job(document, microseconds(as_of), gpus_of_type) for document in documents]


def used(jobs):
    """What the runs of jobs used, in hours, and how much of it is of known GPUs."""
    instance_time = total(job.instance_time for job in jobs)
    return {
        "instance_hours": hours(instance_time),
        **used_gpus((job.instance_time, job.gpu_time) for job in jobs),
    }


def used_gpus(times):
    """GPU-hours of pairs (instance time, GPU time), null where nothing in use has known GPUs, and the share known."""
    times = list(times)
    in_use = [pair for pair in times if pair[0]]
    return {
        "gpu_hours": hours(total(gpu_time for _, gpu_time in in_use or times)),
        "gpu_known_share": share(
            sum(instance_time for instance_time, gpu_time in in_use if gpu_time is not None),
            sum(instance_time for instance_time, _ in in_use),
        ),
    }


def newest_instant(value, member=""):
    """The greatest number in a member named …Time, anywhere in a document."""
    if isinstance(value, dict):
        return max((newest_instant(below, name) for name, below in value.items()), default=0)
    if isinstance(value, list):
        return max((newest_instant(below) for below in value), default=0)
    return value if member.endswith("Time") and isinstance(value, int | float) else 0
