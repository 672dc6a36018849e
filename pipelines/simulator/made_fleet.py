"""A made fleet: a year of training jobs of one company, told as the TrainingJob records that SageMaker would return.

Here: what these jobs are, as tables at the top, and how a record is written from them: ordinary life first, then the
members that only some jobs use, then the oddities that real records are known to have. Deterministic for a seed. Not
here: serving the records (``fleet``), nor the dialects of events and of other tools: only the API's own shape.

Inside, instants and durations are integer milliseconds; in the records, instants are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Generic, TypeVar

from pipelines.simulator.fleet import Fleet

Document = dict[str, Any]
Card = TypeVar("Card")

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
YEAR = 365 * 24 * HOUR
END_SECONDS = 1790812800  # 2026-10-01T00:00:00Z

# Account, region, share of the jobs.
PLACES = (
    ("111122223333", "us-east-1", 40),
    ("111122223333", "us-west-2", 20),
    ("012345678901", "eu-west-1", 25),
    ("444455556666", "us-west-2", 15),
)

# Chance that a job is created in an hour (UTC) of a working day, against the busiest; weekends have a third of it.
HOUR_CHANCES = (2, 2, 2, 2, 3, 4, 6, 8, 10, 10, 9, 8, 9, 10, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2)


@dataclass(frozen=True)
class Workload:
    """What a team runs again and again."""

    name: str
    team: str
    image: str  # repository and tag in the account's own registry
    program: str  # "" for an algorithm that is its image
    instance_types: tuple[str, ...]
    instance_counts: tuple[int, ...]
    start_seconds: int  # median wait for instances
    run_minutes: int  # median of Training
    limit_hours: int
    spot_percent: int
    metrics: tuple[str, ...]
    hyper_parameters: dict[str, str]
    share: int


WORKLOADS = (
    Workload(
        name="churn-xgboost",
        team="growth",
        image="xgboost:1.7-1",
        program="",
        instance_types=("ml.m5.xlarge", "ml.m5.4xlarge", "ml.c5.2xlarge"),
        instance_counts=(1, 1, 1, 2),
        start_seconds=90,
        run_minutes=6,
        limit_hours=24,
        spot_percent=10,
        metrics=("train:auc", "validation:auc"),
        hyper_parameters={"objective": "binary:logistic", "num_round": "200", "max_depth": "6", "eta": "0.2"},
        share=30,
    ),
    Workload(
        name="demand-forecast",
        team="supply",
        image="forecasting-deepar:1",
        program="",
        instance_types=("ml.c5.4xlarge", "ml.c5.18xlarge", "ml.m6i.4xlarge"),
        instance_counts=(1,),
        start_seconds=100,
        run_minutes=45,
        limit_hours=24,
        spot_percent=0,
        metrics=("train:loss", "test:RMSE"),
        hyper_parameters={"time_freq": "D", "prediction_length": "28", "epochs": "100", "num_cells": "40"},
        share=15,
    ),
    Workload(
        name="query-bert",
        team="search",
        image="huggingface-pytorch-training:2.1-gpu",
        program="train.py",
        instance_types=("ml.g5.2xlarge", "ml.g5.12xlarge", "ml.p3.2xlarge", "ml.g4dn.xlarge"),
        instance_counts=(1, 1, 2),
        start_seconds=180,
        run_minutes=70,
        limit_hours=24,
        spot_percent=45,
        metrics=("loss", "eval_accuracy"),
        hyper_parameters={"epochs": "3", "model_name": '"bert-base-cased"', "learning_rate": "5e-05"},
        share=25,
    ),
    Workload(
        name="shelf-vision",
        team="vision",
        image="tensorflow-training:2.13-gpu",
        program="main.py",
        instance_types=("ml.p3.8xlarge", "ml.g4dn.12xlarge", "ml.g6.12xlarge", "ml.p3.16xlarge"),
        instance_counts=(1, 2, 4),
        start_seconds=300,
        run_minutes=160,
        limit_hours=48,
        spot_percent=35,
        metrics=("loss", "val_accuracy"),
        hyper_parameters={"batch_size": "64", "augment": "true", "backbone": '"resnet50"'},
        share=18,
    ),
    Workload(
        name="llm-pretrain",
        team="foundation",
        image="smdistributed-pytorch:2.3-gpu",
        program="pretrain.py",
        instance_types=("ml.p4d.24xlarge", "ml.p5.48xlarge"),
        instance_counts=(2, 4, 8, 16),
        start_seconds=2400,
        run_minutes=900,
        limit_hours=120,
        spot_percent=0,
        metrics=("loss", "grad_norm", "tokens_per_second"),
        hyper_parameters={"seq_length": "4096", "tensor_parallel_degree": "8", "lr": "0.0003"},
        share=6,
    ),
    Workload(
        name="ranker-neuron",
        team="search",
        image="pytorch-training-neuronx:2.1",
        program="run_ranker.py",
        instance_types=("ml.trn1.2xlarge", "ml.trn1.32xlarge"),
        instance_counts=(1, 2),
        start_seconds=600,
        run_minutes=120,
        limit_hours=24,
        spot_percent=20,
        metrics=("loss", "ndcg"),
        hyper_parameters={"epochs": "10", "bf16": "true"},
        share=6,
    ),
)

TERMINAL = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
}

_LAUNCH = ("LaunchingMLInstances", "PreparingTrainingStack")
_RUN = ("Downloading", "Training")
_SAVED = ("Uploading", "Completed")
# The secondary statuses that a kind of job goes through, and its share of the jobs.
PATHS = {
    "completed": (("Starting", *_RUN, *_SAVED), 640),
    "completed after pending": (("Pending", "Starting", *_RUN, *_SAVED), 40),
    "failed": ((), 150),  # ends at the stage of its failure
    "stopped": (("Starting", *_RUN, "Stopping", "Stopped"), 60),
    "stopped while starting": (("Starting", "Stopping", "Stopped"), 10),
    "stopped while pending": (("Pending", "Stopping", "Stopped"), 10),
    "out of time": (("Starting", *_RUN, "Uploading", "MaxRuntimeExceeded"), 15),
    "interrupted": (("Starting", *_RUN, "Interrupted", "Starting", *_RUN, *_SAVED), 35),
    "interrupted twice": (("Starting", *_RUN, "Interrupted") * 2 + ("Starting", *_RUN, *_SAVED), 12),
    "waited too long": (("Starting", *_RUN, "Interrupted", "Starting", "MaxWaitTimeExceeded"), 6),
    "restarted": (("Starting", *_RUN, "Restarting", *_RUN, *_SAVED), 8),
    "updated": (("Starting", *_RUN, "Updating", "Training", *_SAVED), 6),
    "as in old times": ((*_LAUNCH, "Downloading", "DownloadingTrainingImage", "Training", *_SAVED), 5),
    "verified": (("Starting", *_RUN, "Verifying", *_SAVED), 3),  # a status that no model knows
}
SHARES = {kind: share for kind, (_, share) in PATHS.items()}

# What a job that is still open at the end of the year is doing, and what it did before.
OPEN_PATHS = (
    ("Starting",),
    ("Pending",),
    ("Starting", "Downloading"),
    ("Starting", *_RUN),
    ("Starting", *_RUN, "Uploading"),
    ("Starting", *_RUN, "Stopping"),
    ("Starting", *_RUN, "Interrupted"),
    ("Starting", *_RUN, "Restarting"),
    ("Starting", *_RUN, "Updating"),
    ("Starting", *_RUN, "Verifying"),
)

# Median seconds in a status and the message it leaves; Starting and Training are the workload's.
STATUSES = {
    "Starting": (0, "Preparing the instances for training"),
    "Pending": (2400, "Waiting for capacity of the training plan"),
    "LaunchingMLInstances": (150, "Launching requested ML instances"),
    "PreparingTrainingStack": (60, "Preparing the training stack"),
    "Downloading": (70, "Downloading input data"),
    "DownloadingTrainingImage": (80, "Downloading the training image"),
    "Training": (0, "Training image download completed. Training in progress."),
    "Verifying": (45, "Verifying the model"),
    "Interrupted": (300, "Interrupted by a Spot interruption, waiting for capacity"),
    "Restarting": (120, "Restarting the training job after an internal error"),
    "Updating": (20, "Updating the training job"),
    "Uploading": (25, "Uploading generated training model"),
    "Stopping": (50, "Stopping the training job"),
    "Completed": (0, "Training job completed"),
    "Failed": (0, "Training job failed"),
    "Stopped": (0, "Training job stopped"),
    "MaxRuntimeExceeded": (0, "Resource released due to maximum runtime exceeded"),
    "MaxWaitTimeExceeded": (0, "Resource released due to maximum wait time exceeded"),
}
LONG_START = (20 * MINUTE, "Insufficient capacity error from EC2 while launching instances, retrying!")

FAILED_PATHS = {
    "Starting": ("Starting", "Failed"),
    "Downloading": ("Starting", "Downloading", "Failed"),
    "Training": ("Starting", *_RUN, "Failed"),
    "Uploading": ("Starting", *_RUN, "Uploading", "Failed"),
}


def _script_error(exit_code: int, error: str) -> str:
    """What the SageMaker training toolkit reports of a script that failed."""
    command = "/opt/conda/bin/python3.10 {program} --epochs 3 --learning_rate 5e-05 --tokenizer bert-base-cased"
    return (
        f'AlgorithmError: ExecuteUserScriptError:\nExitCode {exit_code}\nErrorMessage "{error}\n"\nCommand "{command}"'
    )


_FRAME = '  File "/opt/conda/lib/python3.10/site-packages/torch/nn/modules/module.py", line {number}, in _call_impl\n'
_CUT_TRACEBACK = "AlgorithmError: framework error: \nTraceback (most recent call last):\n" + _FRAME * 12


@dataclass(frozen=True)
class Failure:
    """A FailureReason, before it is cut at 1,024 characters, and the status in which it ends the job."""

    failure_class: str
    status: str
    share: int
    reason: str


FAILURES = (
    Failure("user_code", "Training", 14, _script_error(1, "ModuleNotFoundError: No module named 'transformers'")),
    Failure("user_code", "Training", 12, _script_error(1, "ValueError: Expected input batch_size ({number}) to match")),
    Failure("user_code", "Training", 8, _script_error(1, "KeyError: 'label_{number}'")),
    Failure("user_code", "Training", 8, _CUT_TRACEBACK + "AssertionError: cut away"),
    Failure("user_code", "Training", 3, "AlgorithmError: , exit code: 139"),
    Failure("image", "Training", 3, "AlgorithmError: , exit code: 127"),
    Failure("user_code", "Training", 6, "AlgorithmError: Exit Code: 1"),
    Failure(
        "out_of_memory_device",
        "Training",
        12,
        _script_error(1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {number}.00 MiB. GPU 0"),
    ),
    Failure(
        "out_of_memory_host",
        "Training",
        6,
        "ClientError: Out of Memory. Please use a larger instance and/or reduce the values of other parameters",
    ),
    Failure(
        "out_of_memory_host",
        "Uploading",
        3,
        "ClientError: Artifact upload failed:ClientError: Out of Memory. Please use a larger instance",
    ),
    Failure(
        "data_io",
        "Downloading",
        6,
        'ClientError: No S3 objects found under S3 URL "{bucket}/train" given in input data source. Please ensure that'
        ' the bucket exists in the selected region ({region}) and that the role "{role}" has "s3:ListBucket".',
    ),
    Failure(
        "data_io",
        "Downloading",
        4,
        "ClientError: Data download failed:NoSuchKey (404): The specified key does not exist",
    ),
    Failure(
        "data_io",
        "Training",
        3,
        "ClientError: Unable to read input data. (caused by MXNetError)\n\nCaused by: [18:29:59] channel.cpp:40: (Input"
        " Error) Unable to read input data: Check failed: size % align_bytes == 0\n\nStack trace returned 10 entries:",
    ),
    Failure(
        "image",
        "Starting",
        4,
        "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are"
        " incorrect.",
    ),
    Failure(
        "permissions",
        "Starting",
        4,
        "ClientError: SageMaker is unable to assume the role {role}: please check that the role exists and that its"
        ' trust relationship policy allows the action "sts:AssumeRole"',
    ),
    Failure("permissions", "Downloading", 5, "ClientError: Data download failed:AccessDenied (403): Access Denied"),
    Failure(
        "network",
        "Downloading",
        4,
        "ClientError: Data download failed:Please ensure that the subnet's route table has a route to an S3 VPC"
        " endpoint or a NAT device, and both the security groups and the subnet's network ACL allow traffic to S3.",
    ),
    Failure(
        "network",
        "Training",
        2,
        _script_error(1, "botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: sts"),
    ),
    Failure("disk", "Downloading", 3, "ClientError: Data download failed:Insufficient disk space to download the data"),
    Failure(
        "disk", "Training", 4, _script_error(1, "OSError: [Errno 28] No space left on device: '/opt/ml/checkpoints'")
    ),
    Failure(
        "configuration",
        "Training",
        4,
        _script_error(2, "usage: {program} [-h] [--lr LR]\n{program}: error: unrecognized arguments: --warmup 500"),
    ),
    Failure(
        "configuration",
        "Downloading",
        3,
        "ClientError: Unable to initialize the algorithm. Failed to validate input data configuration. (caused by"
        " ValidationError)\n\nCaused by: 'ShardedByS3Key' is not one of ['FullyReplicated']",
    ),
    Failure(
        "capacity",
        "Starting",
        2,
        "ClientError: ResourceLimitExceeded: The account-level service limit 'ml.p4d.24xlarge for training job usage'"
        " is 0 Instances, with current utilization of 0 Instances and a request delta of {number} Instances.",
    ),
    Failure(
        "hardware",
        "Training",
        3,
        _script_error(1, "RuntimeError: NCCL error in: ProcessGroupNCCL.cpp:{number}, unhandled system error"),
    ),
    Failure("hardware", "Training", 2, "AlgorithmError: NVRM: Xid (PCI:0000:10:1c): 79, GPU has fallen off the bus."),
    Failure(
        "capacity",
        "Starting",
        8,
        "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."
        " Please retry using a different ML instance type or after some time.",
    ),
    Failure(
        "service_internal", "Training", 3, "InternalServerError: We encountered an internal error.  Please try again."
    ),
    Failure(
        "service_internal", "Training", 2, "InternalServerError: We encountered an internal error. Please try again"
    ),
    Failure(
        "service_internal", "Starting", 2, "InternalServerError: We encountered an internal error, please try again."
    ),
    Failure("killed", "Training", 5, "AlgorithmError: , exit code: 137"),
    Failure("unknown", "Training", 2, "ClientError: Please contact the operator of the cluster, ticket {number}"),
    Failure("unknown", "Training", 1, ""),
)

UNKNOWN_INSTANCE_TYPE = "ml.p9.96xlarge"
SECRETS = {
    "WANDB_API_KEY": "planted-secret-wandb-1f2e3d",
    "HF_TOKEN": "planted-secret-hf-4c5b6a",
    "AWS_SECRET_ACCESS_KEY": "planted-secret-aws-7a8b9c",
}
SECRET_HYPER_PARAMETERS = {"db_password": '"planted-secret-db-0d1e2f"'}
SECRET_LOOKING_VALUE = {"DATA_LABEL": "AKIAIOSFODNN7EXAMPLE"}  # an access key id under a key that says nothing of it
INNOCENT_HYPER_PARAMETERS = {"tokenizer": '"bert-base-cased"', "max_tokens": "512", "token_dropout": "0.1"}
RULE_IMAGE = "debugger-rules:latest"


class Deck(Generic[Card]):
    """Deals every card once, then by share: nothing is missing from a fleet, and what is common stays common."""

    def __init__(self, random: Random, cards: Sequence[tuple[Card, int]]) -> None:
        self._random = random
        self._cards = [card for card, _ in cards]
        self._shares = [share for _, share in cards]
        self._undealt = random.sample(self._cards, len(self._cards))

    def deal(self) -> Card:
        """The next card."""
        if self._undealt:
            return self._undealt.pop()
        return self._random.choices(self._cards, self._shares)[0]


@dataclass(frozen=True)
class Submission:
    """What a user asks for, and asks for again after a failure."""

    workload: Workload
    account: str
    region: str
    instance_type: str
    instance_count: int
    is_spot: bool
    hyper_parameters: dict[str, str]

    @property
    def role(self) -> str:
        """ARN of the execution role: one for each team."""
        return f"arn:aws:iam::{self.account}:role/service-role/{self.workload.team}-training"

    @property
    def bucket(self) -> str:
        """S3 URI of the team's bucket."""
        return f"s3://ml-{self.workload.team}-{self.account}-{self.region}"

    @property
    def image(self) -> str:
        """The training image."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{self.workload.image}"


@dataclass(frozen=True)
class Visit:
    """A stay in a secondary status, in milliseconds; the end is None for one still open."""

    status: str
    start: int
    end: int | None
    message: str


class Maker:
    """Makes jobs; holds what they share: the generator of chance, the end of the year, the decks, a serial number."""

    def __init__(self, seed: int, end: float, shares: Mapping[str, int]) -> None:
        self.random = Random(seed)  # noqa: S311 (made data, no secret)
        self.end = round(end * SECOND)
        self.serial = 0
        self.places = Deck(self.random, [((account, region), share) for account, region, share in PLACES])
        self.workloads = Deck(self.random, [(workload, workload.share) for workload in WORKLOADS])
        self.kinds = Deck(self.random, list(shares.items()))
        self.failures = Deck(self.random, [(failure, failure.share) for failure in FAILURES])

    def arrival(self) -> int:
        """An instant of the year at which people are at work, more or less."""
        while True:
            at = self.end - self.random.randrange(YEAR)
            moment = datetime.fromtimestamp(at // SECOND, UTC)
            chance = HOUR_CHANCES[moment.hour] / max(HOUR_CHANCES) / (3 if moment.weekday() >= 5 else 1)
            if self.random.random() < chance:
                return at

    def submission(self) -> Submission:
        """Somebody's next idea."""
        workload, (account, region) = self.workloads.deal(), self.places.deal()
        return Submission(
            workload,
            account,
            region,
            self.random.choice(workload.instance_types),
            self.random.choice(workload.instance_counts),
            self.random.random() * 100 < workload.spot_percent,
            workload.hyper_parameters | {"seed": str(self.random.randrange(10**6))},
        )

    def name(self, submission: Submission, created: int) -> str:
        """A name that nothing else has, in the manner of the SageMaker SDK."""
        self.serial += 1
        moment = datetime.fromtimestamp(created // SECOND, UTC)
        return f"{submission.workload.name}-{moment:%Y-%m-%d-%H-%M-%S}-{self.serial:05d}"

    def job(self, submission: Submission, created: int, kind: str, name: str = "") -> Document:
        """The record, at the end of the year, of a job of one of the kinds of PATHS."""
        path, _ = PATHS[kind]
        failure = None
        if kind == "failed":
            failure = self.failures.deal()
            path = FAILED_PATHS[failure.status]
        limit = submission.workload.limit_hours * HOUR
        lengths = [self.length(submission.workload, status) for status in path]
        if kind == "out of time":
            lengths[path.index("Training")] = limit
        elif kind == "failed" and "Training" in path:
            lengths[path.index("Training")] = round(lengths[path.index("Training")] * self.random.random()) + SECOND
        visits = self.visits(path, lengths, created)
        return self.record(submission, name or self.name(submission, created), visits, failure)

    def open_job(self, path: Sequence[str]) -> Document:
        """The record of a job that has gone through a path and is still in its last status."""
        lengths = [self.random.randrange(MINUTE, 10 * MINUTE) for _ in path[:-1]] + [YEAR]
        created = self.end - sum(lengths[:-1]) - self.random.randrange(10 * MINUTE, 4 * HOUR)
        submission = replace(self.submission(), is_spot="Interrupted" in path)
        return self.record(submission, self.name(submission, created), self.visits(path, lengths, created), None)

    def length(self, workload: Workload, status: str) -> int:
        """How long a stay in a status lasts: some milliseconds around its median, within the job's limit."""
        if status in TERMINAL:
            return 0
        medians = {"Starting": workload.start_seconds, "Training": workload.run_minutes * 60}
        length = medians.get(status, STATUSES[status][0]) * SECOND * self.random.lognormvariate(0, 0.8)
        return round(min(max(length, 5 * SECOND), workload.limit_hours * HOUR * 0.9))

    def visits(self, path: Sequence[str], lengths: Sequence[int], created: int) -> list[Visit]:
        """The statuses that were entered before the end of the year; some jobs have whole seconds only."""
        grain = SECOND if self.random.random() < 0.2 else 1
        visits: list[Visit] = []
        at = created - created % grain
        for status, length in zip(path, lengths, strict=True):
            until = at + length - length % grain
            if at > self.end:
                break
            is_long_start = status == "Starting" and length > LONG_START[0]
            message = LONG_START[1] if is_long_start else STATUSES[status][1]
            visits.append(Visit(status, at, until if until <= self.end else None, message))
            at = until
        return visits

    def record(self, submission: Submission, name: str, visits: list[Visit], failure: Failure | None) -> Document:
        """The record of an ordinary job."""
        status = visits[-1].status
        primary = TERMINAL.get(status, "Stopping" if status == "Stopping" else "InProgress")
        statuses = [visit.status for visit in visits]
        limit_seconds = submission.workload.limit_hours * 3600
        document: Document = {
            "TrainingJobName": name,
            "TrainingJobArn": f"arn:aws:sagemaker:{submission.region}:{submission.account}:training-job/{name}",
            "TrainingJobStatus": primary,
            "SecondaryStatus": status,
            "HyperParameters": _hyper_parameters(submission, name),
            "AlgorithmSpecification": self.algorithm(submission),
            "RoleArn": submission.role,
            "InputDataConfig": [_s3_channel(submission.bucket, "train"), _s3_channel(submission.bucket, "validation")],
            "OutputDataConfig": {
                "KmsKeyId": "",
                "S3OutputPath": f"{submission.bucket}/output",
                "CompressionType": "GZIP",
            },
            "ResourceConfig": {
                "InstanceType": submission.instance_type,
                "InstanceCount": submission.instance_count,
                "VolumeSizeInGB": 30,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": limit_seconds},
            **self.times(visits, submission.is_spot),
            "SecondaryStatusTransitions": [_transition(visit) for visit in visits],
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "EnableManagedSpotTraining": submission.is_spot,
            "ProfilingStatus": "Disabled",
            "Tags": [
                {"Key": "team", "Value": submission.workload.team},
                {"Key": "project", "Value": submission.workload.name},
            ],
        }
        if submission.is_spot:
            document["CheckpointConfig"] = {"S3Uri": f"{submission.bucket}/checkpoints/{name}"}
            document["StoppingCondition"]["MaxWaitTimeInSeconds"] = limit_seconds * 2
        if "Uploading" in statuses and primary != "InProgress":
            document["ModelArtifacts"] = {"S3ModelArtifacts": f"{submission.bucket}/output/{name}/output/model.tar.gz"}
        if status == "Completed":
            document["FinalMetricDataList"] = self.final_metrics(submission.workload, visits[-1].start)
        if status == "Failed" and failure:
            reason = failure.reason.format(
                program=submission.workload.program or "train",
                number=self.random.randrange(2, 5000),
                bucket=submission.bucket,
                region=submission.region,
                role=submission.role,
            )
            document["FailureReason"] = reason[:1024]
        return document

    def times(self, visits: list[Visit], is_spot: bool) -> Document:
        """The instants and the seconds of a job, as its visits give them."""
        times: Document = {"CreationTime": _seconds(visits[0].start), "LastModifiedTime": _seconds(visits[-1].start)}
        started = next((visit.start for visit in visits if visit.status == "Downloading"), None)
        if started is None:
            return times
        times["TrainingStartTime"] = _seconds(started)
        is_ended = visits[-1].status in TERMINAL
        ended = visits[-1].start if is_ended else self.end
        times["TrainingTimeInSeconds"] = max((ended - started) // SECOND, 1)
        if is_ended:
            times["TrainingEndTime"] = _seconds(ended)
            billed_share = self.random.uniform(0.25, 0.5) if is_spot else 1
            times["BillableTimeInSeconds"] = max(int(times["TrainingTimeInSeconds"] * billed_share), 1)
        return times

    def algorithm(self, submission: Submission) -> Document:
        """The image and what it reports; metric definitions come in any order."""
        metrics = submission.workload.metrics
        return {
            "TrainingImage": submission.image,
            "TrainingInputMode": self.random.choice(("File", "File", "FastFile", "Pipe")),
            "MetricDefinitions": [
                {"Name": name, "Regex": rf"{name}[:=] ?([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)"}
                for name in self.random.sample(metrics, len(metrics))
            ],
            "EnableSageMakerMetricsTimeSeries": bool(submission.workload.program),
        }

    def final_metrics(self, workload: Workload, ended: int) -> list[Document]:
        """The last value of each metric of a workload."""
        return [
            {"MetricName": name, "Value": self.random.lognormvariate(-1, 1), "Timestamp": ended // SECOND - 30}
            for name in workload.metrics
        ]

    def submissions(self) -> Iterator[Document]:
        """A job and, after a failure, perhaps the same again, until it works or nobody cares."""
        submission, created, kind = self.submission(), self.arrival(), self.kinds.deal()
        if "Interrupted" in PATHS[kind][0]:
            submission = replace(submission, is_spot=True)
        while created < self.end:
            document = self.job(submission, created, kind)
            yield document
            if document["TrainingJobStatus"] != "Failed" or self.random.random() < 0.4:
                return
            created = _milliseconds(document["LastModifiedTime"]) + self.random.randrange(2 * MINUTE, 40 * MINUTE)
            kind = self.random.choice(("completed", "completed", "failed"))

    def children(self, member: str, resource: str, count: int, parallel: int) -> Iterator[Document]:
        """The jobs of one parent (tuning, AutoML, labeling): a few side by side, the next when one has ended."""
        submission, created = self.submission(), self.arrival()
        self.serial += 1
        parent = f"{submission.workload.name}-{self.serial:05d}"
        arn = f"arn:aws:sagemaker:{submission.region}:{submission.account}:{resource}/{parent}"
        free_at = [created] * parallel
        for number in range(1, count + 1):
            created = min(free_at)
            if created >= self.end:
                return
            kind = self.random.choices(("completed", "stopped", "failed"), (85, 8, 7))[0]
            tuned = {"learning_rate": f"{10 ** self.random.uniform(-5, -2):.3g}", "_tuning_objective_metric": "loss"}
            child = replace(submission, hyper_parameters=submission.hyper_parameters | tuned)
            name = f"{parent}-{number:03d}-{self.random.randrange(16**8):08x}"
            document = self.job(child, created, kind, name)
            document[member] = arn
            free_at[free_at.index(created)] = _milliseconds(document["LastModifiedTime"]) + 4 * SECOND
            yield document

    def warm_pool(self, created: int, count: int, keep_alive_seconds: int) -> list[Document]:
        """Jobs that follow each other on the same instances, which are kept for a while after each."""
        submission = replace(self.submission(), is_spot=False)
        documents: list[Document] = []
        while len(documents) < count and created < self.end:
            document = self.job(submission, created, "completed")
            document["ResourceConfig"]["KeepAlivePeriodInSeconds"] = keep_alive_seconds
            documents.append(document)
            if document["TrainingJobStatus"] != "Completed":
                break
            created = _milliseconds(document["LastModifiedTime"])
            created += self.random.randrange(MINUTE, keep_alive_seconds * SECOND)
        for document, following in zip(documents, [*documents[1:], None], strict=True):
            self.keep_warm(document, following, keep_alive_seconds)
        return documents

    def keep_warm(self, document: Document, following: Document | None, keep_alive_seconds: int) -> None:
        """Says what became of a job's instances; a change after its end moves LastModifiedTime."""
        ended = document["LastModifiedTime"]
        if document["TrainingJobStatus"] != "Completed":
            document["WarmPoolStatus"] = {"Status": "InUse"}
        elif following:
            document["WarmPoolStatus"] = {
                "Status": "Reused",
                "ResourceRetainedBillableTimeInSeconds": int(following["CreationTime"] - ended),
                "ReusedByJob": following["TrainingJobName"],
            }
            document["LastModifiedTime"] = following["CreationTime"]
        elif _milliseconds(ended + keep_alive_seconds) > self.end:
            document["WarmPoolStatus"] = {"Status": "Available"}
        else:
            document["WarmPoolStatus"] = {
                "Status": "Terminated",
                "ResourceRetainedBillableTimeInSeconds": keep_alive_seconds,
            }
            document["LastModifiedTime"] = ended + keep_alive_seconds


def _seconds(milliseconds: int) -> int | float:
    """Epoch seconds as the API writes them: with millisecond digits where there are any."""
    return milliseconds // SECOND if milliseconds % SECOND == 0 else milliseconds / SECOND


def _milliseconds(seconds: float) -> int:
    return round(seconds * SECOND)


def _transition(visit: Visit) -> Document:
    transition: Document = {"Status": visit.status, "StartTime": _seconds(visit.start)}
    if visit.end is not None:
        transition["EndTime"] = _seconds(visit.end)
    return transition | {"StatusMessage": visit.message}


def _hyper_parameters(submission: Submission, name: str) -> dict[str, str]:
    """Hyperparameters; those that the SDK adds for a program are JSON, so that strings are quoted twice."""
    if not submission.workload.program:
        return dict(submission.hyper_parameters)
    return submission.hyper_parameters | {
        "sagemaker_program": f'"{submission.workload.program}"',
        "sagemaker_submit_directory": f'"{submission.bucket}/{name}/source/sourcedir.tar.gz"',
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": f'"{name}"',
        "sagemaker_region": f'"{submission.region}"',
    }


def _s3_channel(bucket: str, name: str) -> Document:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"{bucket}/{name}",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "CompressionType": "None",
        "RecordWrapperType": "None",
    }


# Members that only some jobs have: one function for each concern, with its turn in FEATURES below.


def _bucket(document: Document) -> str:
    return str(document["OutputDataConfig"]["S3OutputPath"]).removesuffix("/output")


def _arn(document: Document, service: str, resource: str) -> str:
    """An ARN in the job's account and region."""
    _, _, _, region, account, _ = document["TrainingJobArn"].split(":")
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def _is_ended(document: Document) -> bool:
    return document["TrainingJobStatus"] in ("Completed", "Failed", "Stopped")


def _add_environment(random: Random, document: Document) -> None:
    document["Environment"] = {"PYTHONUNBUFFERED": "1", "NCCL_DEBUG": random.choice(("INFO", "WARN"))}


def _add_vpc(random: Random, document: Document) -> None:
    subnets = [f"subnet-{random.randrange(16**17):017x}" for _ in range(random.choice((1, 2, 3)))]
    document["VpcConfig"] = {"SecurityGroupIds": [f"sg-{random.randrange(16**17):017x}"], "Subnets": subnets}


def _add_encryption(random: Random, document: Document) -> None:
    key = _arn(document, "kms", f"key/{random.randrange(16**8):08x}-0000-4000-8000-000000000000")
    document["OutputDataConfig"]["KmsKeyId"] = key
    document["ResourceConfig"]["VolumeKmsKeyId"] = key
    document["EnableNetworkIsolation"] = True
    document["EnableInterContainerTrafficEncryption"] = True


def _add_experiment(random: Random, document: Document) -> None:
    document["ExperimentConfig"] = {
        "ExperimentName": f"experiment-{random.randrange(20)}",
        "TrialName": f"trial-{random.randrange(100)}",
        "TrialComponentDisplayName": "Training",
        "RunName": f"run-{random.randrange(1000)}",
    }


def _rule(document: Document, name: str) -> Document:
    return {
        "RuleConfigurationName": name,
        "LocalPath": "/opt/ml/processing/output/rule",
        "S3OutputPath": f"{_bucket(document)}/rules",
        "RuleEvaluatorImage": document["AlgorithmSpecification"]["TrainingImage"].split("/")[0] + f"/{RULE_IMAGE}",
        "InstanceType": "ml.t3.medium",
        "VolumeSizeInGB": 10,
        "RuleParameters": {"rule_to_invoke": name, "num_steps": "10"},
    }


def _evaluation(random: Random, document: Document, name: str) -> Document:
    """The state of a rule; one that finishes after the job moves the job's LastModifiedTime."""
    at = document["LastModifiedTime"]
    status = "InProgress"
    if _is_ended(document):
        at += random.choice((13, 30))
        status = random.choice(("NoIssuesFound", "NoIssuesFound", "IssuesFound", "Stopped", "Error"))
        document["LastModifiedTime"] = at
    return {
        "RuleConfigurationName": name,
        "RuleEvaluationJobArn": _arn(document, "sagemaker", f"processing-job/{name.lower()}-{random.randrange(10**8)}"),
        "RuleEvaluationStatus": status,
        "StatusDetails": f"RuleEvaluationConditionMet: {name}" if status == "IssuesFound" else "",
        "LastModifiedTime": at,
    }


def _add_debugger(random: Random, document: Document) -> None:
    document["DebugHookConfig"] = {
        "LocalPath": "/opt/ml/output/tensors",
        "S3OutputPath": f"{_bucket(document)}/tensors",
        "HookParameters": {"save_interval": "100"},
        "CollectionConfigurations": [
            {"CollectionName": "losses", "CollectionParameters": {"save_interval": "50"}},
            {"CollectionName": "gradients"},
        ],
    }
    document["DebugRuleConfigurations"] = [_rule(document, "LossNotDecreasing")]
    document["DebugRuleEvaluationStatuses"] = [_evaluation(random, document, "LossNotDecreasing")]


def _add_profiler(random: Random, document: Document) -> None:
    document["ProfilingStatus"] = "Enabled"
    document["ProfilerConfig"] = {
        "S3OutputPath": f"{_bucket(document)}/profiler",
        "ProfilingIntervalInMilliseconds": 500,
        "ProfilingParameters": {"LocalPath": "/opt/ml/output/profiler/"},
        "DisableProfiler": False,
    }
    document["ProfilerRuleConfigurations"] = [_rule(document, "ProfilerReport")]
    document["ProfilerRuleEvaluationStatuses"] = [_evaluation(random, document, "ProfilerReport")]


def _add_file_systems(random: Random, document: Document) -> None:
    for kind, mode in (("EFS", "ro"), ("FSxLustre", "rw")):
        source = {
            "FileSystemId": f"fs-{random.randrange(16**8):08x}",
            "FileSystemAccessMode": mode,
            "FileSystemType": kind,
            "DirectoryPath": "/datasets/corpus",
        }
        document["InputDataConfig"].append(
            {"ChannelName": kind.lower(), "DataSource": {"FileSystemDataSource": source}, "InputMode": "File"}
        )


def _add_manifest(random: Random, document: Document) -> None:
    source = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": f"{_bucket(document)}/labels.manifest",
        "S3DataDistributionType": "ShardedByS3Key",
        "AttributeNames": ["source-ref", "labels"],
    }
    document["InputDataConfig"].append(
        {
            "ChannelName": "labeled",
            "DataSource": {"S3DataSource": source},
            "ContentType": "application/x-recordio",
            "CompressionType": "Gzip",
            "RecordWrapperType": "RecordIO",
            "InputMode": "Pipe",
            "ShuffleConfig": {"Seed": random.choice((1, 42, 2**63 - 1))},
        }
    )


def _add_hub_content(random: Random, document: Document) -> None:
    hub = _arn(document, "sagemaker", "hub-content/models")
    model = _s3_channel(_bucket(document), "model")
    model["DataSource"]["S3DataSource"] |= {
        "ModelAccessConfig": {"AcceptEula": True},
        "HubAccessConfig": {"HubContentArn": f"{hub}/Model/base-llm/1.{random.randrange(9)}.0"},
    }
    dataset = {"DatasetArn": f"{hub}/DataSet/corpus/1.0.{random.randrange(9)}"}
    document["InputDataConfig"] += [model, {"ChannelName": "corpus", "DataSource": {"DatasetSource": dataset}}]


def _use_own_container(random: Random, document: Document) -> None:
    document["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["python", "-m", "trainer"],
        "ContainerArguments": ["--verbose", "", f"--shard={random.randrange(8)}"],
        "TrainingImageConfig": {
            "TrainingRepositoryAccessMode": "Vpc",
            "TrainingRepositoryAuthConfig": {
                "TrainingRepositoryCredentialsProviderArn": _arn(document, "lambda", "function:registry-login")
            },
        },
    }


def _use_marketplace_algorithm(random: Random, document: Document) -> None:
    document["AlgorithmSpecification"].pop("TrainingImage")
    name = f"algorithm/tabular-automl-v{random.randrange(1, 4)}"
    document["AlgorithmSpecification"]["AlgorithmName"] = _arn(document, "sagemaker", name)


def _use_unknown_instance_type(random: Random, document: Document) -> None:
    document["ResourceConfig"]["InstanceType"] = UNKNOWN_INSTANCE_TYPE


def _use_training_plan(random: Random, document: Document) -> None:
    document["StoppingCondition"]["MaxPendingTimeInSeconds"] = 7200
    document["ResourceConfig"] |= {
        "InstanceType": "ml.p6e-gb200.36xlarge",
        "InstanceCount": 2,
        "TrainingPlanArn": _arn(document, "sagemaker", f"training-plan/plan-{random.randrange(100):03d}"),
        "InstancePlacementConfig": {
            "EnableMultipleJobs": True,
            "PlacementSpecifications": [{"UltraServerId": f"us-{random.randrange(16**8):08x}", "InstanceCount": 2}],
        },
    }


def _use_instance_preferences(random: Random, document: Document) -> None:
    resource = document["ResourceConfig"]
    plan = _arn(document, "sagemaker", f"training-plan/plan-{random.randrange(100):03d}")
    resource["InstancePreferences"] = [
        {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "TrainingPlanArns": [plan]},
        {"InstanceType": resource["InstanceType"], "InstanceCount": resource["InstanceCount"]},
    ]
    resource["SelectedInstanceType"] = resource["InstanceType"]
    resource["SelectedInstanceCount"] = resource["InstanceCount"]


def _use_instance_groups(random: Random, document: Document) -> None:
    """A heterogeneous cluster: no type at the top, and a count of 0 or none."""
    resource = document["ResourceConfig"]
    train = {"InstanceType": resource.pop("InstanceType"), "InstanceCount": resource.pop("InstanceCount")}
    resource["InstanceGroups"] = [
        {"InstanceType": "ml.c5.4xlarge", "InstanceCount": 2, "InstanceGroupName": "preprocess"},
        train | {"InstanceGroupName": "train"},
    ]
    if random.random() < 0.5:
        resource |= {"InstanceType": None, "InstanceCount": 0}
    document["InputDataConfig"][0]["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["train"]


def _add_small_settings(random: Random, document: Document) -> None:
    document["RetryStrategy"] = {"MaximumRetryAttempts": random.randrange(1, 30)}
    document["RemoteDebugConfig"] = {"EnableRemoteDebug": True}
    document["InfraCheckConfig"] = {"EnableInfraCheck": False}
    document["TensorBoardOutputConfig"] = {
        "LocalPath": "/opt/ml/output/tensorboard",
        "S3OutputPath": f"{_bucket(document)}/tensorboard",
    }
    document["CheckpointConfig"] = {"S3Uri": f"{_bucket(document)}/checkpoints", "LocalPath": "/opt/ml/checkpoints"}


def _customize_model(random: Random, document: Document) -> None:
    """Serverless model customization: no instances of its own, tokens instead of seconds."""
    del document["ResourceConfig"]
    hub = _arn(document, "sagemaker", "hub-content/models")
    package = _arn(document, "sagemaker", "model-package/assistant/3")
    document["ServerlessJobConfig"] = {
        "BaseModelArn": f"{hub}/Model/base-llm/1.0.0",
        "AcceptEula": True,
        "JobType": "FineTuning",
        "CustomizationTechnique": random.choice(("SFT", "DPO")),
        "Peft": "LORA",
        "EvaluationType": "BenchmarkEvaluation",
        "EvaluatorArn": f"{hub}/JsonDoc/evaluator/1.0.0",
        "SequenceLength": "8K",
    }
    document["BillableTokenCount"] = 2**53 + 1
    document["ProgressInfo"] = {"TotalStepCountPerEpoch": 400, "CurrentStep": 400, "CurrentEpoch": 2, "MaxEpoch": 3}
    document["MlflowConfig"] = {
        "MlflowResourceArn": _arn(document, "sagemaker", "mlflow-tracking-server/main"),
        "MlflowExperimentName": "assistant",
        "MlflowRunName": f"run-{random.randrange(100)}",
    }
    document["MlflowDetails"] = {"MlflowExperimentId": "7", "MlflowRunId": f"{random.randrange(16**16):016x}"}
    document["ModelPackageConfig"] = {
        "ModelPackageGroupArn": _arn(document, "sagemaker", "model-package-group/assistant"),
        "SourceModelPackageArn": package,
    }
    document["OutputModelPackageArn"] = package


def _plant_secrets(random: Random, document: Document) -> None:
    """What must never be written anywhere, beside what only looks like it."""
    document["Environment"] = document.get("Environment", {}) | SECRETS | SECRET_LOOKING_VALUE
    document["HyperParameters"] = document["HyperParameters"] | SECRET_HYPER_PARAMETERS | INNOCENT_HYPER_PARAMETERS


def _add_unicode(random: Random, document: Document) -> None:
    document["HyperParameters"] = document["HyperParameters"] | {"описание": '"第一次 🚀"', "note": '"naïve\\n\\"x\\""'}
    document["Tags"].append({"Key": "équipe", "Value": random.choice(("Zoë Müller", "山田 太郎", "Łukasz"))})
    document["AlgorithmSpecification"]["MetricDefinitions"].append(
        {"Name": "précision", "Regex": "précision=([0-9.]+)"}
    )


def _add_extreme_metrics(random: Random, document: Document) -> None:
    extremes = {
        "tokens_seen": 2**53,
        "learning_rate": 1.401298464324817e-45,
        "weight_norm": 2.2250738585072014e-308,
        "perplexity": 1.7976931348623157e308,
        "reward": -0.1,
    }
    document["FinalMetricDataList"] = [
        {"MetricName": name, "Value": value, "Timestamp": document["LastModifiedTime"]}
        for name, value in extremes.items()
    ]


def _add_members_no_model_knows(random: Random, document: Document) -> None:
    document["CarbonFootprint"] = {"KilogramsCo2": round(random.uniform(0.1, 90), 3)}
    document["OutputDataConfig"]["RetentionInDays"] = 90


# Every so many jobs, in the order of their creation, a job has the members that a function adds.
FEATURES: tuple[tuple[int, Callable[[Random, Document], None]], ...] = (
    (3, _add_environment),
    (5, _add_vpc),
    (6, _add_experiment),
    (7, _add_profiler),
    (9, _add_unicode),
    (11, _add_encryption),
    (13, _add_debugger),
    (17, _use_own_container),
    (19, _add_small_settings),
    (23, _plant_secrets),
    (29, _add_manifest),
    (31, _add_file_systems),
    (37, _add_hub_content),
    (41, _use_marketplace_algorithm),
    (59, _use_training_plan),
    (61, _use_instance_preferences),
    (97, _use_unknown_instance_type),
    (43, _use_instance_groups),
    (71, _add_extreme_metrics),
    (89, _add_members_no_model_knows),
    (149, _customize_model),
)

# What real records have been seen with, and no rule explains: one function for each oddity, on an ended job.


def _as_in_2018(document: Document) -> None:
    for member in (
        "SecondaryStatusTransitions",
        "TrainingTimeInSeconds",
        "BillableTimeInSeconds",
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
        "ProfilingStatus",
    ):
        document.pop(member, None)


def _no_start_nor_end(document: Document) -> None:
    for member in ("TrainingStartTime", "TrainingEndTime", "TrainingTimeInSeconds", "BillableTimeInSeconds"):
        document.pop(member, None)


def _last_transition_open(document: Document) -> None:
    """Completed, and the transitions stop at Downloading."""
    del document["SecondaryStatusTransitions"][2:]
    del document["SecondaryStatusTransitions"][-1]["EndTime"]


def _terminal_transition_open(document: Document) -> None:
    del document["SecondaryStatusTransitions"][-1]["EndTime"]


def _overlap(document: Document) -> None:
    document["SecondaryStatusTransitions"][1]["EndTime"] += 3


def _hole(document: Document) -> None:
    document["SecondaryStatusTransitions"][2]["EndTime"] -= 2.5


def _negative_length(document: Document) -> None:
    transition = document["SecondaryStatusTransitions"][1]
    transition["EndTime"] = transition["StartTime"] - 1


def _late_first_transition(document: Document) -> None:
    document["SecondaryStatusTransitions"][0]["StartTime"] += 4.25


def _out_of_order(document: Document) -> None:
    document["SecondaryStatusTransitions"].reverse()


def _explicit_nulls(document: Document) -> None:
    document |= {
        "TuningJobArn": None,
        "FailureReason": None,
        "VpcConfig": None,
        "FinalMetricDataList": None,
        "Environment": None,
    }
    document["ResourceConfig"]["VolumeKmsKeyId"] = None
    document["StoppingCondition"]["MaxWaitTimeInSeconds"] = None
    document["InputDataConfig"][0]["DataSource"]["FileSystemDataSource"] = None
    document["SecondaryStatusTransitions"][-1]["EndTime"] = None


def _empty_strings(document: Document) -> None:
    document |= {"TuningJobArn": "", "AutoMLJobArn": "", "FailureReason": ""}
    document["ResourceConfig"] |= {"InstanceType": "", "VolumeKmsKeyId": ""}


def _empty_lists(document: Document) -> None:
    document |= {
        "SecondaryStatusTransitions": [],
        "HyperParameters": {},
        "InputDataConfig": [],
        "Tags": [],
        "FinalMetricDataList": [],
    }


def _being_deleted(document: Document) -> None:
    document["TrainingJobStatus"] = "Deleting"


ODDITIES: tuple[Callable[[Document], None], ...] = (
    _as_in_2018,
    _no_start_nor_end,
    _last_transition_open,
    _terminal_transition_open,
    _overlap,
    _hole,
    _negative_length,
    _late_first_transition,
    _out_of_order,
    _explicit_nulls,
    _empty_strings,
    _empty_lists,
    _being_deleted,
)
JOBS_OF_AN_ODDITY = 3


def _make_odd(random: Random, documents: Sequence[Document]) -> None:
    """Gives each oddity some plain completed jobs, none of them two."""
    statuses = ["Starting", *_RUN, *_SAVED]
    plain = [
        document
        for document in documents
        if [visit["Status"] for visit in document["SecondaryStatusTransitions"]] == statuses
        and "InstanceType" in document.get("ResourceConfig", {})
        and "WarmPoolStatus" not in document
    ]
    chosen = random.sample(plain, min(len(plain), JOBS_OF_AN_ODDITY * len(ODDITIES)))
    for number, document in enumerate(chosen):
        ODDITIES[number % len(ODDITIES)](document)


# Parents: the member that names one, its kind of resource, jobs of the fleet for each parent, children, side by side.
PARENTS = (
    ("TuningJobArn", "hyper-parameter-tuning-job", 250, 20, 4),
    ("AutoMLJobArn", "automl-job", 1000, 8, 3),
    ("LabelingJobArn", "labeling-job", 1000, 3, 1),
)
JOBS_OF_A_WARM_POOL = 200


def made_documents(seed: int, jobs: int, end: float, shares: Mapping[str, int] = SHARES) -> list[Document]:
    """TrainingJob records of the year before ``end`` (epoch seconds), by time of creation; the same for the same seed.

    Exactly ``jobs`` of them; ``shares``: how many of each kind of PATHS. A fleet of 2,000 and more has every member of
    the record, every status and every oddity; a smaller one starts with the jobs that are open at the end.
    """
    maker = Maker(seed, end, shares)
    documents = [maker.open_job(path) for path in OPEN_PATHS]
    stopping = maker.open_job(("Starting",))
    stopping["TrainingJobStatus"] = "Stopping"  # asked to stop before its instances came: no such transition yet
    documents += [stopping, *maker.warm_pool(maker.end - 5 * HOUR, 1, 6 * 3600)]
    documents += maker.warm_pool(maker.end - MINUTE, 1, 1800)
    for _ in range(jobs // JOBS_OF_A_WARM_POOL):
        documents += maker.warm_pool(maker.arrival(), 3, 3600)
    for member, resource, jobs_of_a_parent, count, parallel in PARENTS:
        for _ in range(jobs // jobs_of_a_parent):
            documents += maker.children(member, resource, count, parallel)
    while len(documents) < jobs:
        documents += maker.submissions()
    documents = sorted(documents[:jobs], key=lambda document: (document["CreationTime"], document["TrainingJobArn"]))
    for number, document in enumerate(documents):
        for every, add in FEATURES:
            if number % every == every - 1:
                add(maker.random, document)
    _make_odd(maker.random, documents)
    return documents


def made_fleet(seed: int = 7, jobs: int = 3000, end: float = END_SECONDS) -> Fleet:
    """The made records as a fleet to serve; see ``made_documents``."""
    return Fleet(made_documents(seed, jobs, end))
