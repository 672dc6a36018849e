"""Fleets of odd records: whatever a readable record tells, all is published, and the marts say what the oracle says."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.models import parts
from pipelines.models.parts import JOBS_A_PART
from tests.main_job import publish_directly
from tests.measurements import keep, measurements_of
from tests.oracle import GRAINS, MARTS
from tests.oracle.instance_types import GPUS
from tests.oracle.jobs import jobs_of
from tests.reference_data import reference_for, write_reference
from tests.test_marts import differences
from tests.test_time_zones import INSTANTS, shifted

SEEN = 1_704_067_200  # 2024-01-01
DAY = 86_400
STATUSES = [
    *("Starting", "Pending", "Downloading", "Training", "Uploading", "Interrupted", "Restarting", "Stopping"),
    *("Stopped", "Failed", "New"),
]
TYPES = ["ml.p3.8xlarge", "ml.m5.large", "ml.never.heard", "", None]

# What a text of quotes, paths and times is made of, in an order that may leave each of them without its end.
PIECES = [
    *('"', "'", '\\"', "\\'", "“", "”", "‘", "’", "«", "»", "`", "\n", " ", " ", ",", ".", ":", "-", "[", "it", "é"),
    *("12:30", "3:04", "3:04:05", " PM", "Z", "1.", "2024-01-02", "C:\\", "d:/", "/a.py", "s3://a/b"),
    "0a:1b:2c:3d:4e:5f",
]

# Days before it was seen, to the second; now and then what no clock tells.
instants = st.one_of(
    st.integers(-40 * DAY, 0), st.sampled_from([-86_400 * 365, -3600, 0, 60, 2 * DAY, 9_999_999_999])
).map(lambda seconds: SEEN + seconds)
counts = st.sampled_from([1, 1, 1, 2, 8, 0, None, -1, 1_000_000, 2**31 - 1, 2**62, -(2**63)])


def sparse(**members):
    """Any of the members, each present or not; None counts as absent."""
    return st.fixed_dictionaries({}, optional=members).map(
        lambda chosen: {name: value for name, value in chosen.items() if value is not None}
    )


transitions = st.lists(
    sparse(Status=st.sampled_from([*STATUSES, None]), StartTime=instants, EndTime=instants), max_size=6
)
configs = st.one_of(
    sparse(
        InstanceType=st.sampled_from(TYPES),
        InstanceCount=counts,
        TrainingPlanArn=st.sampled_from([None, "", "arn:plan"]),
    ),
    st.lists(sparse(InstanceType=st.sampled_from(TYPES), InstanceCount=counts), min_size=1, max_size=3).map(
        lambda groups: {"InstanceGroups": groups}
    ),
)
members = sparse(
    TrainingJobStatus=st.sampled_from(["Completed", "Failed", "Stopped", "InProgress", "Stopping", "Deleting", None]),
    SecondaryStatus=st.sampled_from([*STATUSES, "MaxRuntimeExceeded"]),
    SecondaryStatusTransitions=transitions,
    ResourceConfig=configs,
    TrainingStartTime=instants,
    TrainingEndTime=instants,
    LastModifiedTime=instants,
    TrainingTimeInSeconds=st.sampled_from([0, 60, 7200, -5, 2**53, 2**63 - 1]),
    WarmPoolStatus=sparse(
        Status=st.sampled_from(["Available", "Reused"]),
        ResourceRetainedBillableTimeInSeconds=st.sampled_from([0, 1, 90_000, -5, 2**31 - 1, 2**62]),
    ),
    BillableTimeInSeconds=st.sampled_from([0, 1, 3599, 86_401, -5, 2**31 - 1, 2**63 - 1, -(2**63)]),
    EnableManagedSpotTraining=st.booleans(),
    TuningJobArn=st.sampled_from(["arn:tuning", "arn:other", ""]),
    AutoMLJobArn=st.sampled_from(["arn:auto", ""]),
    RoleArn=st.sampled_from(["arn:role", "arn:other", ""]),
    Tags=st.lists(
        sparse(Key=st.sampled_from(["team", "Team", "project"]), Value=st.sampled_from(["blue", "red", ""])), max_size=3
    ),
    AlgorithmSpecification=sparse(
        TrainingImage=st.sampled_from(["image", ""]), AlgorithmName=st.sampled_from(["arn:algorithm", ""])
    ),
    HyperParameters=st.sampled_from([{}, {"sagemaker_program": '"train.py"'}, {"sagemaker_program": ""}]),
    ExperimentConfig=sparse(ExperimentName=st.sampled_from(["e", ""])),
    FinalMetricDataList=st.lists(
        sparse(
            MetricName=st.sampled_from(["loss", "auc", ""]),
            Value=st.one_of(
                st.floats(allow_nan=False, allow_infinity=False),
                st.sampled_from([0, 1, None, "NaN", "Infinity", "-Infinity"]),
            ),
            Timestamp=instants,
        ),
        max_size=4,
    ),
    StoppingCondition=sparse(MaxRuntimeInSeconds=st.sampled_from([86_400, 3600, 0, -5, 2**63 - 1, -(2**63)])),
    FailureReason=st.one_of(
        st.sampled_from(["", "AlgorithmError: ExecuteUserScriptError: KeyError", "InternalServerError: x"]),
        st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    ),
)
places = st.sampled_from(["eu-west-1:012345678901", "us-east-1:012345678901", "eu-west-1:210987654321"])
# Of one that was seen before it was created one of the clocks was wrong.
looks = st.sampled_from([0, 0, -3600, 5 * DAY]).map(lambda seconds: SEEN + seconds)
# Documents, each with when it was seen.
fleets = st.lists(st.tuples(members, st.integers(-40 * DAY, 0), places, looks), min_size=1, max_size=40).map(
    lambda jobs: [
        (
            {
                "TrainingJobArn": f"arn:aws:sagemaker:{place}:training-job/job-{number}",
                "TrainingJobName": f"job-{number}",
                "CreationTime": SEEN + created,
                **document,
            },
            seen,
        )
        for number, (document, created, place, seen) in enumerate(jobs)
    ]
)


# What was found once: a warm pool kept for longer than 2**31 microseconds (36 minutes), one kept after a run that the
# record tells to have ended before any job was created, and the largest cluster, whose microseconds are beyond 2**63.
ONCE_FOUND = [
    {
        "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:012345678901:training-job/{name}",
        "TrainingJobName": name,
        "TrainingJobStatus": "Completed",
        "ResourceConfig": {"InstanceType": "ml.p3.8xlarge", "InstanceCount": instances},
        "CreationTime": created,
        "TrainingStartTime": started,
        "TrainingEndTime": ended,
        "LastModifiedTime": SEEN - DAY,
        "SecondaryStatusTransitions": [
            {"Status": "Downloading", "StartTime": started, "EndTime": (2 * started + ended) // 3},
            {"Status": "Training", "StartTime": (2 * started + ended) // 3, "EndTime": ended},
        ],
        "BillableTimeInSeconds": ended - started,
        "StoppingCondition": {"MaxRuntimeInSeconds": 2**62},
        "TuningJobArn": "arn:tuning",
        "WarmPoolStatus": {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 90_000},
    }
    for name, instances, created, started, ended in (
        ("warm", 2, SEEN - 3 * DAY, SEEN - 3 * DAY + 60, SEEN - 2 * DAY),
        ("early", 2, SEEN - 3 * DAY, SEEN - 175 * DAY, SEEN - 174 * DAY),
        ("large", 1_000_000, SEEN - 172 * DAY, SEEN - 172 * DAY, SEEN - 2 * DAY),
    )
] + [
    # An empty text is as absent as a null.
    {
        "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:012345678901:training-job/{name}",
        "TrainingJobName": name,
        "TrainingJobStatus": "Failed",
        "CreationTime": created,
        "LastModifiedTime": created + 60,
        **members,
    }
    for name, created, members in (
        ("no-role", SEEN - 4 * DAY, {"AlgorithmSpecification": {"TrainingImage": "one"}}),
        ("empty-role", SEEN - 4 * DAY + 3600, {"AlgorithmSpecification": {"TrainingImage": "one"}, "RoleArn": ""}),
        (
            "empty-program",
            SEEN - 2 * DAY,
            {"AlgorithmSpecification": {"TrainingImage": "two"}, "HyperParameters": {"sagemaker_program": ""}},
        ),
        # Exactly a day after that ended: no retry. In the next month it is retried, by a job without a status.
        *(
            (
                name,
                created,
                {
                    "AlgorithmSpecification": {"TrainingImage": "two"},
                    "HyperParameters": {"sagemaker_program": ""},
                    "TrainingJobStatus": status,
                },
            )
            for name, created, status in (("day-after", SEEN - DAY + 60, "Failed"), ("no-status", SEEN + 60, None))
        ),
        ("no-image", SEEN - 2 * DAY + 3600, {"HyperParameters": {"sagemaker_program": ""}}),
        # Uploading goes on after the run; of another there is no run.
        *(
            (
                name,
                SEEN - DAY,
                {
                    "TrainingJobStatus": "Completed",
                    "ResourceConfig": {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2},
                    "TrainingEndTime": SEEN - DAY + 60,
                    "SecondaryStatusTransitions": [
                        {"Status": status, "StartTime": SEEN - DAY + 10 * number}
                        for number, status in enumerate(statuses, start=3)
                    ],
                },
            )
            for name, statuses in {
                "late-save": ["Downloading", "Training", "Uploading", "Completed"],
                "save-alone": ["DownloadingTrainingImage", "Uploading"],
                "late-attempts": ["Training", "Interrupted", "Training", "Uploading", "Restarting", "Training"],
            }.items()
        ),
        # All that ran is, or has a group, of a type that nobody knows; what is of known GPUs never did.
        *(
            (
                name,
                SEEN - 5 * DAY,
                {
                    "ResourceConfig": config,
                    "TuningJobArn": "arn:other",
                    "FailureReason": "AlgorithmError: ExecuteUserScriptError: KeyError",
                    **ran,
                },
            )
            for groups in [[{"InstanceType": each, "InstanceCount": 1} for each in TYPES[:3:2]]]
            for name, config, ran in (
                ("never-heard", groups[1], {"TrainingStartTime": SEEN - 5 * DAY + 30}),
                ("half-heard", {"InstanceGroups": groups}, {"TrainingStartTime": SEEN - 5 * DAY + 30}),
                ("never-ran", groups[0], {}),
            )
        ),
        # By a clock that is ahead it ended after it was seen.
        (
            "ahead",
            SEEN - 3600,
            {
                "TrainingStartTime": SEEN - 1800,
                "TrainingEndTime": SEEN + 60,
                "FailureReason": "InternalServerError: x",
                "SecondaryStatusTransitions": [{}],
            },
        ),
    )
]


# What a user may write who means that it always was there.
CAPACITY_OF_ALWAYS = {
    "account_id": "012345678901",
    "region": "eu-west-1",
    "instance_type": "ml.p3.8xlarge",
    "valid_from": date(1, 1, 1),
    "valid_until": date(2018, 1, 31),
    "instances": 2,
}


# Time zones whose clocks are always so many seconds ahead: the oracle, which knows UTC alone, can tell their days.
AHEAD = {"Asia/Kolkata": 5 * 3600 + 1800, "UTC": 0}


# Without shrinking: each example is a whole build, and what differs is told by job and column.
@settings(
    max_examples=settings.default.max_examples // 7,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@example(fleet=[(document, SEEN) for document in ONCE_FOUND], jobs_a_part=1, time_zone="UTC")
@given(fleet=fleets, jobs_a_part=st.sampled_from([JOBS_A_PART, 1]), time_zone=st.sampled_from(list(AHEAD)))
def test_the_marts_of_an_odd_fleet_are_the_oracles(fleet, jobs_a_part, time_zone, tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("odd"))
    documents = [document for document, _ in fleet]
    reference = reference_for(documents)
    reference["capacities"].append(CAPACITY_OF_ALWAYS)
    write_reference(reference, home.root / "reference")
    archive = RawArchive(home.raw)
    measured = measurements_of(documents)
    if measured:
        keep(home, measured)
    archive.append("odd", [Observation(float(seen), json.dumps(document).encode()) for document, seen in fleet])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "JOBS_A_PART", jobs_a_part)
        marts = publish_directly(home, time_zone)
    assert not marts["build_info"][0]["documents_quarantined"]
    jobs = jobs_seen(fleet)
    ahead = AHEAD[time_zone]
    local = jobs_seen((shifted(document, ahead), seen + ahead) for document, seen in fleet)
    for mart, rows in MARTS.items():
        wanted = rows(jobs if mart in INSTANTS else local, reference | {"hardware_metrics": measured})
        found = differences(marts[mart], wanted, GRAINS[mart])
        assert not found, (mart, found[:5])
    for job in marts["fct_training_jobs"]:
        visits = [v for v in marts["fct_secondary_status_visits"] if v["training_job_arn"] == job["training_job_arn"]]
        spent = sum((v["end_time"] - v["start_time"] for v in visits), timedelta())
        assert spent == job["life_end_at"] - job["creation_time"]


def jobs_seen(fleet):
    return [job for document, seen in fleet for job in jobs_of([document], seen, GPUS)]
