"""A fleet that goes on between any two calls, without HTTP."""

import json
from collections import Counter
from random import Random

from pipelines.harvest.calls import Answer, Calls
from pipelines.simulator.search import compiled
from tests.simulator.made import T0

STATUSES = ("Starting", "Downloading", "Training", "Uploading", "Completed", "evaluated")


class MovingFleet(Calls):
    """Calls to a fleet of which some jobs change before each answer; its tokens are positions, which is the worst case.

    ``restlessness``: how many jobs change, or are created, before an answer, on the average; ``step_seconds``: how much
    time passes there at most; ``spread_seconds``: in how long the jobs that there are at first changed last.
    ``hidden``: ARNs of jobs that are counted but not given; ``broken``: of those whose document is no JSON.
    """

    def __init__(
        self, random: Random, jobs: int, restlessness: float, step_seconds: float, spread_seconds: float = 3_000
    ) -> None:
        self.made = Counter()
        self.hidden: set[str] = set()
        self.broken: set[str] = set()
        self.now = T0 + 10_000.0
        self.restlessness, self._step_seconds, self._random = restlessness, step_seconds, random
        self._jobs: list[dict] = []
        for _ in range(jobs):
            self.create(T0 + round(random.random() * spread_seconds, 3), random.randrange(len(STATUSES)))

    def versions(self):
        """LastModifiedTime of each job as it is now, by ARN."""
        return {job["TrainingJobArn"]: job["LastModifiedTime"] for job in self._jobs}

    def ask(self, operation, **parameters):
        """Search's answer, after the fleet has moved on."""
        assert operation == "Search"
        self.made[operation] += 1
        self._move()
        finds = compiled(parameters.get("SearchExpression")).holds
        found = sorted(filter(finds, self._jobs), key=lambda job: job[parameters["SortBy"]])
        if parameters["SortOrder"] == "Descending":
            found.reverse()
        start = int(parameters.get("NextToken", 0))
        end = start + parameters["MaxResults"]
        given = [job for job in found[start:end] if job["TrainingJobArn"] not in self.hidden]
        broken = [json.dumps(job).encode()[:-1] for job in given if job["TrainingJobArn"] in self.broken]
        body = {
            "Results": [{"TrainingJob": job} for job in given if job["TrainingJobArn"] not in self.broken],
            "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
            **({"NextToken": str(end)} if end < len(found) else {}),
        }
        return Answer(json.dumps(body).encode(), float(int(self.now)), end >= len(found), broken)

    def _move(self) -> None:
        self.now += self._random.random() * self._step_seconds
        changes = int(self.restlessness) + (self._random.random() < self.restlessness % 1)
        for _ in range(changes):
            # Whole seconds too: then many changes bear the same time.
            instant = self._random.choice((float(int(self.now)), round(self.now, 3)))
            if self._random.random() < 0.2:
                self.create(max(instant, self._newest()), 0)
                continue
            number = self._random.randrange(len(self._jobs))
            if self._jobs[number]["step"] < len(STATUSES) - 1:
                self.change(number, max(instant, self._newest()))

    def create(self, instant, step=0):
        """A new job; gives its ARN."""
        arn = f"arn:aws:sagemaker:eu-west-1:111122223333:training-job/job-{len(self._jobs)}"
        self._jobs.append({"TrainingJobArn": arn, "CreationTime": instant, **_version(step, instant)})
        return arn

    def change(self, number, instant):
        """Bring a job to its next status."""
        job = self._jobs[number]
        job |= _version(job["step"] + 1, instant)

    def _newest(self):
        return max(job["LastModifiedTime"] for job in self._jobs)


def _version(step, instant):
    return {
        "step": step,
        "TrainingJobStatus": "InProgress" if STATUSES[step] not in ("Completed", "evaluated") else "Completed",
        "SecondaryStatus": STATUSES[step],
        "LastModifiedTime": instant,
    }
