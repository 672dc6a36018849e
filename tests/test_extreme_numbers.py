"""What is no number, and numbers at the ends of what a record can hold: no document keeps the others from readers."""

import json
from itertools import product

import pytest

from pipelines.flatten.record import ListOf, MapOf, Structure, training_job
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from tests.main_job import build_directly, publish_directly
from tests.reference_data import reference_for, write_reference
from tests.test_oracle import DAY, HOUR, MIDNIGHT
from tests.test_oracle_of_groups import TUNED, measured
from tests.test_what_is_unknown import told


@pytest.fixture(scope="module")
def marts(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("extreme"))
    bodies = [json.dumps(document).encode() for document in METRICS]
    RawArchive(home.raw).append("extreme", [Observation(float(MIDNIGHT + DAY), body) for body in bodies])
    return build_directly(home)


# AWS writes what is no finite number as text.
METRICS = [
    measured(f"{metric}-{number}", (metric, value, HOUR), **TUNED)
    for metric, values in {
        "diverged": ["NaN", "NaN", "Infinity", "-Infinity"],
        "some": [3, "NaN", 1, "NaN", "Infinity", "-Infinity"],
        "greatest": [1.7976931348623157e308, -1.7976931348623157e308],
        "smallest": [5e-324, 5e-324],
    }.items()
    for number, value in enumerate(values)
]


def test_a_final_value_that_is_no_finite_number_is_in_no_group(marts):
    values = [str(row["value"]) for row in marts["fct_final_metrics"] if row["metric_name"] == "diverged"]
    assert sorted(values) == ["-inf", "inf", "nan", "nan"]
    names = "metric_name jobs least_value p50_value greatest_value"
    assert told(marts["final_metrics_by_group"], names) == [
        ("greatest", 2, -1.7976931348623157e308, 0, 1.7976931348623157e308),
        ("smallest", 2, 5e-324, 0, 5e-324),  # half of it is none
        ("some", 2, 1, 2, 3),
    ]
    names = "least_training_job_arn greatest_training_job_arn"
    ((least, greatest),) = told(marts["final_metrics_by_group"], names, metric_name="some")
    assert (least[-6:], greatest[-6:]) == ("some-2", "some-0")


INTEGERS = [-(2**63), -(2**53) - 1, -1, 0, 1, 1_000_000, 10**9, 2**31, 2**62, 2**63 - 1]
NUMBERS = ["NaN", "Infinity", "-Infinity", 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -0.0]
# 1970, now, a day and a second from now, and the last second that there is.
TIMES = [0, MIDNIGHT, MIDNIGHT + DAY + 1, 253402300799]
STATUSES = ["Completed", "Stopped", "InProgress"]
TEXTS = {"InstanceType": "ml.p3.16xlarge", "Status": "Training", "TuningJobArn": "arn:t", "MetricName": "loss"}


def filled(node, integer, number, time, name=""):
    """A value that has every member, with the same number wherever there can be one."""
    below = (integer, number, time)
    if isinstance(node, Structure):
        return {each: filled(member, *below, each) for each, member in node.members.items()}
    if isinstance(node, ListOf):
        return [filled(node.element, *below, name)] * 3
    if isinstance(node, MapOf):
        return {"a": filled(node.value, *below, name)}
    return {"integer": integer, "number": number, "timestamp": time, "boolean": True}.get(
        node.kind, TEXTS.get(name, "x")
    )


def extreme():
    """A document of each integer, time and status; every second runs until now, every third has no instance groups."""
    for number, (integer, time, status) in enumerate(product(INTEGERS, TIMES, STATUSES)):
        document = filled(training_job(), integer, NUMBERS[number % len(NUMBERS)], time)
        if number % 2 == 0:
            document |= {"TrainingStartTime": min(time, MIDNIGHT), "TrainingEndTime": MIDNIGHT}
        if number % 3:
            del document["ResourceConfig"]["InstanceGroups"]
        yield document | {
            "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:012345678901:training-job/{number}",
            "TrainingJobStatus": status,
            "CreationTime": min(time, MIDNIGHT),
        }


def test_every_number_of_a_record_may_be_as_great_as_it_can_be(tmp_path):
    home = Home(tmp_path)
    documents = list(extreme())
    write_reference(reference_for(documents), home.root / "reference")
    bodies = [json.dumps(document).encode() for document in documents]
    RawArchive(home.raw).append("extreme", [Observation(float(MIDNIGHT), body) for body in bodies])
    marts = publish_directly(home)
    assert not marts["build_info"][0]["documents_quarantined"]
    assert len(marts["fct_training_jobs"]) == len(documents)
