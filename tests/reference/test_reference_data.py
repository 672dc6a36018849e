"""The reference data: facts that a user may edit, so their shape and their relations are checked."""

import csv
from pathlib import Path

import botocore.session
import duckdb
import pytest

REFERENCE = Path(__file__).parents[2] / "reference"
FAILURE_CLASSES = {
    "user_code",
    "out_of_memory_host",
    "out_of_memory_device",
    "data_io",
    "image",
    "permissions",
    "network",
    "disk",
    "configuration",
    "hardware",
    "capacity",
    "service_internal",
    "killed",
}


def rows_of(name):
    with (REFERENCE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def instance_types():
    return {row["instance_type"]: row for row in rows_of("instance_types.csv")}


@pytest.fixture(scope="module")
def failure_rules():
    return sorted(rows_of("failure_rules.csv"), key=lambda row: int(row["priority"]))


def test_instance_types_are_sorted_and_listed_once():
    names = [row["instance_type"] for row in rows_of("instance_types.csv")]
    assert names == sorted(set(names))


def test_every_training_instance_type_of_the_service_model_is_listed(instance_types):
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert set(model.shape_for("TrainingInstanceType").enum) - set(instance_types) == set()


def test_duckdb_reads_instance_types_with_numbers_as_numbers():
    described = duckdb.sql(f"describe from read_csv('{REFERENCE / 'instance_types.csv'}')").fetchall()
    types = {row[0]: row[1] for row in described}
    assert {types[name] for name in ("vcpus", "gpus", "gpu_memory_gib", "accelerators")} == {"BIGINT"}
    assert types["memory_gib"] == "DOUBLE"


def test_the_family_is_in_the_name_and_only_the_right_families_have_gpus_or_accelerators(instance_types):
    for name, row in instance_types.items():
        family = row["instance_family"]
        assert name.split(".")[:2] == ["ml", family]
        assert (int(row["gpus"]) > 0) == (family[0] in "pg"), name
        assert (int(row["accelerators"]) > 0) == (family[:3] in ("trn", "dl1")), name


def test_models_and_memory_go_with_gpus(instance_types):
    for name, row in instance_types.items():
        gpus = int(row["gpus"])
        assert bool(row["gpu_model"]) == (gpus > 0), name
        assert bool(row["accelerator_model"]) == (int(row["accelerators"]) > 0), name
        assert gpus in (0, 1, 2, 4, 8, 16), name
        if gpus:
            assert int(row["gpu_memory_gib"]) % gpus == 0, name
            assert 12 <= int(row["gpu_memory_gib"]) // gpus <= 288, name
        else:
            assert row["gpu_memory_gib"] == "0", name


def test_a_gpu_of_a_family_has_one_model_and_one_memory(instance_types):
    seen = {}
    for name, row in instance_types.items():
        if int(row["gpus"]):
            gpu = (row["gpu_model"], int(row["gpu_memory_gib"]) // int(row["gpus"]))
            assert seen.setdefault(row["instance_family"], gpu) == gpu, name


def test_larger_sizes_of_a_family_are_larger(instance_types):
    sizes_by_family = {}
    for row in instance_types.values():
        sizes_by_family.setdefault(row["instance_family"], []).append((int(row["vcpus"]), float(row["memory_gib"])))
    for family, sizes in sizes_by_family.items():
        by_vcpus, by_memory = sorted(sizes), sorted(sizes, key=lambda size: (size[1], size[0]))
        assert by_vcpus == by_memory, family
        assert len(set(sizes)) == len(sizes), family


@pytest.mark.parametrize(
    ("name", "vcpus", "memory_gib", "gpus", "accelerators"),
    [
        ("ml.m5.large", 2, 8, 0, 0),
        ("ml.c5.18xlarge", 72, 144, 0, 0),
        ("ml.c4.8xlarge", 36, 60, 0, 0),
        ("ml.r8i.96xlarge", 384, 3072, 0, 0),
        ("ml.p2.16xlarge", 64, 732, 16, 0),
        ("ml.p3.2xlarge", 8, 61, 1, 0),
        ("ml.p3.8xlarge", 32, 244, 4, 0),
        ("ml.p3.16xlarge", 64, 488, 8, 0),
        ("ml.p4d.24xlarge", 96, 1152, 8, 0),
        ("ml.p5.4xlarge", 16, 256, 1, 0),
        ("ml.p5.48xlarge", 192, 2048, 8, 0),
        ("ml.p6e-gb200.36xlarge", 144, 960, 4, 0),
        ("ml.g4dn.xlarge", 4, 16, 1, 0),
        ("ml.g4dn.12xlarge", 48, 192, 4, 0),
        ("ml.g5.16xlarge", 64, 256, 1, 0),
        ("ml.g6e.48xlarge", 192, 1536, 8, 0),
        ("ml.g7e.12xlarge", 48, 512, 2, 0),
        ("ml.trn1.32xlarge", 128, 512, 0, 16),
        ("ml.trn2.48xlarge", 192, 2048, 0, 16),
    ],
)
def test_known_instance_types(instance_types, name, vcpus, memory_gib, gpus, accelerators):
    row = instance_types[name]
    assert (int(row["vcpus"]), float(row["memory_gib"])) == (vcpus, memory_gib)
    assert (int(row["gpus"]), int(row["accelerators"])) == (gpus, accelerators)


def test_priorities_are_unique_and_every_class_has_a_rule(failure_rules):
    priorities = [int(rule["priority"]) for rule in failure_rules]
    assert len(set(priorities)) == len(priorities)
    assert {rule["failure_class"] for rule in failure_rules} == FAILURE_CLASSES
    assert {rule["actor"] for rule in failure_rules} == {"user", "platform", "aws"}


def test_patterns_use_nothing_that_only_one_engine_has(failure_rules):
    for rule in failure_rules:
        for only_elsewhere in ("(?=", "(?!", "(?<", "(?P", "\\1", "\\Z", "\\z", "*+", "++", "[["):
            assert only_elsewhere not in rule["pattern"], rule["priority"]
