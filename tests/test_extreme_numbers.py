"""What is no number, and numbers at the ends of what a record can hold: no document keeps the others from readers."""

import json

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from tests.main_job import build_directly
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
