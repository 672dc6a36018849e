"""The marts of hardware use against the oracle: fleets with groups, unknown types, missing hosts and no GPUs."""

import datetime as dt
import json
from contextlib import closing

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest
from pipelines.models.begin import begin_build
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from tests.main_job import rows
from tests.measurements import keep, measurements_of, row
from tests.oracle import GRAINS, MARTS
from tests.oracle.jobs import jobs_of
from tests.simulator.made import T0, job
from tests.test_marts import differences

SEEN = T0 + 9 * 24 * 3600
HARDWARE = ("fct_hardware_utilization", "idle_gpu_hours", "idle_gpu_jobs", "right_sizing_candidates", "host_skew")
GPUS = {
    "ml.g5.xlarge": 1,
    "ml.p3.16xlarge": 8,
    "ml.p3.8xlarge": 4,
    "ml.p3.2xlarge": 1,
    "ml.m5.24xlarge": 0,
    "ml.c5.18xlarge": 0,
    "ml.trn1.32xlarge": 0,
}
CONFIGS = {
    "one-gpu": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
    "large": {"InstanceType": "ml.p3.16xlarge", "InstanceCount": 3},
    "no-gpus": {"InstanceType": "ml.m5.24xlarge", "InstanceCount": 2},
    "never-heard": {"InstanceType": "ml.never.heard", "InstanceCount": 2},
    "trainium": {"InstanceType": "ml.trn1.32xlarge", "InstanceCount": 1},
    "no-type": {"InstanceCount": 1},
    "alike": {"InstanceGroups": [{"InstanceType": "ml.p3.8xlarge", "InstanceCount": 1}] * 2},
    "feeding": {
        "InstanceGroups": [
            {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 1},
            {"InstanceType": "ml.c5.18xlarge", "InstanceCount": 2},
        ]
    },
    "unlike": {
        "InstanceGroups": [
            {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 1},
            {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1},
        ]
    },
    "none-of-one": {
        "InstanceGroups": [
            {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2},
            {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 0},
        ]
    },
}


def of_length(name, created, seconds, **members):
    started, ended = created + 10, created + 10 + seconds
    statuses = [("Starting", created, started), ("Training", started, ended), ("Completed", ended, ended)]
    return job(
        name,
        created,
        TrainingStartTime=started,
        TrainingEndTime=ended,
        LastModifiedTime=ended,
        SecondaryStatusTransitions=[{"Status": s, "StartTime": b, "EndTime": e} for s, b, e in statuses],
        **members,
    )


class Evenly:
    """In place of chance."""

    def choice(self, options):
        return options[0]


HELD = of_length(
    "held",
    T0 - 10,
    1200,
    ResourceConfig={"InstanceType": "ml.p3.16xlarge", "InstanceCount": 2},
    Tags=[{"Key": "team", "Value": "held"}],
)
MEASURED_OF_HELD = [
    row(HELD, "algo-1", "GPUUtilization", T0 // 60 * 60 + 60 * minute, 60, 100.0 if minute <= 5 else 24.0, Evenly())
    for minute in range(1, 11)
]
# Mean and maximum come by two answers: of a period that goes on, the older may be of less of it.
for point in MEASURED_OF_HELD:
    point["maximum"] = point["value"] / 2
FLEET = [
    of_length(
        f"{name}-{number}",
        T0 + 3000 * number,
        400 * (number + 1),
        ResourceConfig=config,
        Tags=[{"Key": "Team", "Value": "blue"}] if number % 3 else [],
    )
    for name, config in CONFIGS.items()
    for number in range(6)
] + [
    job("not-started", T0, TrainingStartTime=None, TrainingEndTime=None, SecondaryStatusTransitions=[]),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The measurements, and the marts that were made of them."""
    home = Home(tmp_path_factory.mktemp("hardware"))
    measured = measurements_of(FLEET) + MEASURED_OF_HELD
    # Nobody knows what this is of.
    measured += [{**measured[0], "training_job_arn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/other"}]
    keep(home, measured)
    return measured, marts_of(home, [*FLEET, HELD])


def marts_of(home, fleet):
    """The marts of hardware, by the models that they need and no others."""
    documents = [Observation(float(SEEN), json.dumps(document).encode()) for document in fleet]
    RawArchive(home.raw).append("some", documents)
    load(home)
    models = {bound.name: bound for bound in load_catalogue(shipped("sql")).models}
    needed = {f"marts.{mart}" for mart in HARDWARE}
    while more := {name for model in needed for name in models[model].model.dependencies & models.keys()} - needed:
        needed |= more
    manifest = read_manifest(home.lake)
    with closing(begin_build(home, manifest, "some", dt.datetime.now(dt.UTC), "UTC")) as build:
        for name in (name for name in models if name in needed):
            build.run(models[name])
            assert not [result for result in build.check(models[name]) if result.violations]
        with build.connect() as connection:
            return {mart: rows(connection, build.select(f"marts.{mart}")) for mart in HARDWARE}


@pytest.mark.parametrize("mart", HARDWARE)
def test_a_mart_says_what_the_oracle_says(mart, built):
    measured, marts = built
    wanted = MARTS[mart](jobs_of([*FLEET, HELD], SEEN, GPUS), {"hardware_metrics": measured})
    assert wanted
    assert not differences(marts[mart], wanted, GRAINS[mart])


def test_what_no_one_knows_is_left_out(built):
    found = {(each["training_job_name"][:-2], each["measure"]) for each in built[1]["fct_hardware_utilization"]}
    known = {name: {measure for kind, measure in found if kind == name} for name in CONFIGS}
    assert known["never-heard"] == known["unlike"] - {"cpu"} == known["no-type"] == {"memory", "disk"}
    assert "gpu" in known["feeding"]
    assert "cpu" not in known["feeding"]
    assert {"gpu", "cpu"} <= known["alike"] & known["none-of-one"]
    assert "trainium" not in {each["training_job_name"][:-2] for each in built[1]["right_sizing_candidates"]}


def test_what_one_of_eight_gpus_and_a_host_that_is_missing_come_to(built):
    """By hand: 20 minutes on 2 hosts of 8 GPUs, of one of which one GPU is measured, for 5 minutes at full load."""
    of_held = {
        mart: [row for row in found if "held" in (row.get("training_job_name"), row.get("team"))]
        for mart, found in built[1].items()
    }
    (use,) = of_held["fct_hardware_utilization"]
    assert use["mean_share"] == pytest.approx((0.125 + 0.03) / 2)
    assert (use["p50_share"], use["p95_share"], use["max_share"]) == (0.03, 0.125, 0.125)
    assert (use["idle_share"], use["coverage_share"], use["measured_hosts"]) == (0.5, 0.25, 1)
    (idle,) = of_held["idle_gpu_hours"]
    assert idle["gpu_hours"] == pytest.approx(16 / 3)
    assert idle["idle_gpu_hours"] == pytest.approx(8 * 5 / 60)
    assert idle["unused_gpu_hours"] == pytest.approx(8 * 10 / 60 * (1 - 0.0775))
    assert len(of_held["idle_gpu_jobs"]) == 1
    assert of_held["host_skew"] == of_held["right_sizing_candidates"] == []
