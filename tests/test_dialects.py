"""Every dialect, as files of it are imported: what comes out, written down by hand.

Here: small documents of each dialect, and recorded ones where they are at hand. Not here: single values (``flatten``).
"""

import datetime as dt
import itertools
import json
import os
from pathlib import Path

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.file_import import import_files
from pipelines.harvest.redact import Redactor
from pipelines.home import Home
from pipelines.lake.load import load, reload
from pipelines.lake.quarantine import Quarantine
from tests.main_job import lake

RECORDED = Path(os.environ.get("TRAINYARD_RECORDED", Path(__file__).parents[2] / "shared" / "recorded"))
NAME = "mnist"
ARN = f"arn:aws:sagemaker:eu-west-1:111122223333:training-job/{NAME}"
CREATED = 1_700_000_000  # 2023-11-14 22:13:20 UTC


def utc(text):
    return dt.datetime.fromisoformat(text)


def flattened(folder, *documents):
    """The lake's tables, after each document was imported as a file of its own."""
    home = Home(folder / "home")
    for number, document in enumerate(documents):
        file = folder / f"{number}.json"
        file.write_bytes(json.dumps(document).encode())
        assert import_files(RawArchive(home.raw), [file], Redactor()).error is None
    load(home)
    assert list(Quarantine(home.quarantine).lines()) == []
    tables = lake(home)
    reload(home)
    assert lake(home) == tables
    return tables


def only(rows):
    (row,) = rows
    return row


API = {
    "TrainingJobName": NAME,
    "TrainingJobArn": ARN,
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "Completed",
    "AlgorithmSpecification": {"TrainingInputMode": "File"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "OutputDataConfig": {"KmsKeyId": "", "S3OutputPath": "s3://bucket/out"},
    "CreationTime": CREATED + 0.123,
    "TrainingStartTime": CREATED + 60,
    "TrainingEndTime": CREATED + 300.5,
    "LastModifiedTime": CREATED + 300.75,
    "SecondaryStatusTransitions": [
        {"Status": "Starting", "StartTime": CREATED + 0.123, "EndTime": CREATED + 60},
        {"Status": "Training", "StartTime": CREATED + 60, "EndTime": CREATED + 300.5, "StatusMessage": "Training"},
    ],
    "Tags": [{"Key": "team", "Value": "vision"}],
}
COMMAND_LINE = API | {
    "CreationTime": "2023-11-15T00:13:20.123000+02:00",
    "TrainingStartTime": "2023-11-14T22:14:20+00:00",
    "TrainingEndTime": "2023-11-14T22:18:20.500Z",
    "LastModifiedTime": "2023-11-14T22:18:20.750000",
    "SecondaryStatusTransitions": [
        {"Status": "Starting", "StartTime": "2023-11-14T14:13:20.123-08:00", "EndTime": "2023-11-14T22:14:20Z"},
        {
            "Status": "Training",
            "StartTime": "2023-11-14T22:14:20Z",
            "EndTime": "2023-11-14T22:18:20.5Z",
            "StatusMessage": "Training",
        },
    ],
}
STEP_FUNCTIONS = API | {
    "AlgorithmSpecification": {"TrainingInputMode": "FILE"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1.0, "VolumeSizeInGB": 30.0},
    "CreationTime": 1_700_000_000_123.0,
    "TrainingStartTime": 1_700_000_060_000.0,
    "TrainingEndTime": 1_700_000_300_500.0,
    "LastModifiedTime": 1_700_000_300_750.0,
    "SecondaryStatusTransitions": [
        {"Status": "Starting", "StartTime": 1_700_000_000_123.0, "EndTime": 1_700_000_060_000.0},
        {
            "Status": "Training",
            "StartTime": 1_700_000_060_000.0,
            "EndTime": 1_700_000_300_500.0,
            "StatusMessage": "Training",
        },
    ],
    "Tags": {"team": "vision"},
}


def event(**detail):
    return {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": "SageMaker Training Job State Change",
        "source": "aws.sagemaker",
        "account": "111122223333",
        "time": "2023-11-14T22:18:21Z",
        "region": "eu-west-1",
        "resources": [ARN],
        "detail": {
            "TrainingJobName": NAME,
            "TrainingJobArn": ARN,
            "TrainingJobStatus": "Completed",
            "FailureReason": None,
            "CreationTime": 1_700_000_000_123,
            "TrainingStartTime": "1700000060000",
            "TrainingEndTime": "1700000300500",
            "LastModifiedTime": 1_700_000_300_750,
            "Tags": {"team": "vision", "stage": None},
        }
        | detail,
    }


@pytest.mark.parametrize("document", [API, COMMAND_LINE, STEP_FUNCTIONS], ids=["API", "command line", "Step Functions"])
def test_a_record_is_the_same_in_every_dialect(document, tmp_path):
    tables = flattened(tmp_path, document)
    row = only(tables["training_jobs"])
    assert (row["account_id"], row["region"], row["month"]) == ("111122223333", "eu-west-1", "2023-11")
    assert row["source"] == "import"
    assert row["creation_time"] == utc("2023-11-14 22:13:20.123")
    assert row["training_start_time"] == utc("2023-11-14 22:14:20")
    assert row["training_end_time"] == utc("2023-11-14 22:18:20.500")
    assert row["last_modified_time"] == utc("2023-11-14 22:18:20.750")
    assert row["observed_at"] == utc("2023-11-14 22:18:20.750")
    assert row["algorithm_specification_training_input_mode"] == "File"
    assert (row["resource_config_instance_count"], row["resource_config_volume_size_in_gb"]) == (1, 30)
    assert row["output_data_config_kms_key_id"] == ""
    assert row["failure_reason"] is None
    assert row["unmodelled_fields"] is None
    columns = ("index", "status", "start_time", "end_time", "status_message")
    transitions = [tuple(visit[column] for column in columns) for visit in tables["secondary_status_transitions"]]
    assert sorted(transitions) == [
        (0, "Starting", utc("2023-11-14 22:13:20.123"), utc("2023-11-14 22:14:20"), None),
        (1, "Training", utc("2023-11-14 22:14:20"), utc("2023-11-14 22:18:20.500"), "Training"),
    ]
    tag = only(tables["tags"])
    assert (tag["index"], tag["key"], tag["value"]) == (0, "team", "vision")


def test_an_event_of_an_unknown_job_is_a_row_that_says_so(tmp_path):
    tables = flattened(tmp_path, event())
    row = only(tables["training_jobs"])
    assert row["source"] == "event"
    assert row["training_job_status"] == "Completed"
    assert row["creation_time"] == utc("2023-11-14 22:13:20.123")
    assert row["training_start_time"] == utc("2023-11-14 22:14:20")
    assert row["training_end_time"] == utc("2023-11-14 22:18:20.500")
    assert row["secondary_status"] is None
    assert row["secondary_status_transitions__count"] is None
    assert row["unmodelled_fields"] is None
    assert [(r["index"], r["key"], r["value"]) for r in tables["tags"]] == [(0, "team", "vision"), (1, "stage", None)]


OLDER = event(TrainingJobStatus="InProgress", LastModifiedTime=1_700_000_060_000, TrainingEndTime=None)
SAME = event()
NEWER = event(TrainingJobStatus="Stopped", LastModifiedTime=1_700_000_900_000)


@pytest.mark.parametrize("documents", list(itertools.permutations([API, SAME, NEWER])))
def test_no_event_takes_the_place_of_a_record_whatever_the_order(documents, tmp_path):
    together, apart = tmp_path / "together", tmp_path / "apart"
    together.mkdir()
    rows = flattened(together, *documents)
    assert only(rows["training_jobs"])["secondary_status"] == "Completed"
    assert len(rows["secondary_status_transitions"]) == 2
    home = Home(apart)
    archive = RawArchive(home.raw)
    for number, document in enumerate(documents):
        archive.append("import", [Observation(CREATED + number, json.dumps(document).encode())])
        load(home)
    row = only(lake(home)["training_jobs"])
    assert (row["source"], row["secondary_status"]) == ("import", "Completed")


@pytest.mark.parametrize("documents", list(itertools.permutations([OLDER, SAME, SAME, NEWER]))[::4])
def test_of_events_the_newest_stands(documents, tmp_path):
    row = only(flattened(tmp_path, *documents)["training_jobs"])
    assert (row["source"], row["training_job_status"]) == ("event", "Stopped")


def test_an_event_without_a_creation_time_is_in_quarantine(tmp_path):
    home = Home(tmp_path)
    RawArchive(home.raw).append("import", [Observation(CREATED, json.dumps(event(CreationTime=None)).encode())])
    assert load(home).quarantined == 1
    ((_, line),) = Quarantine(home.quarantine).lines()
    assert (line.path, line.reason) == ("CreationTime", "absent")


# What must come of each recorded file, read off it by hand: members of its row, and rows of its lists and maps.
EXPECTED = {
    "ack_completed_xgboost_5_transitions.json": (
        {
            "training_job_status": "Completed",
            "secondary_status": "Completed",
            "region": "us-west-2",
            "creation_time": utc("2021-10-12 05:49:40.493"),
            "last_modified_time": utc("2021-10-12 05:55:25.548"),
            "billable_time_in_seconds": 159,
            "resource_config_instance_type": "ml.m4.xlarge",
            "output_data_config_kms_key_id": "",
            "auto_ml_job_arn": None,
            "environment__count": None,
            "debug_hook_config__present": False,
        },
        {"secondary_status_transitions": 5, "final_metric_data_list": 2, "input_data_config": 2, "environment": 0},
    ),
    "ack_inprogress_debugger_rules.json": (
        {
            "training_job_status": "InProgress",
            "creation_time": utc("2021-10-13 03:49:20.337"),
            "last_modified_time": utc("2021-10-13 03:49:20.576"),
            "billable_time_in_seconds": None,
            "debug_hook_config__present": True,
        },
        {
            "debug_hook_config_collection_configurations": 4,
            "debug_hook_config_collection_configurations_collection_parameters": 8,
            "debug_rule_configurations": 1,
            "debug_rule_configurations_rule_parameters": 3,
            "debug_rule_evaluation_statuses": 1,
        },
    ),
    "ack_instance_groups_heterogeneous.json": (
        {
            "secondary_status": "Downloading",
            "resource_config_instance_type": None,
            "resource_config_instance_count": 0,
            "retry_strategy_maximum_retry_attempts": 2,
        },
        {"resource_config_instance_groups": 2, "secondary_status_transitions": 2},
    ),
    "ack_warmpool_reused.json": (
        {
            "resource_config_keep_alive_period_in_seconds": 70,
            "warm_pool_status_status": "Reused",
            "warm_pool_status_resource_retained_billable_time_in_seconds": 69,
            "training_time_in_seconds": 31,
        },
        {"secondary_status_transitions": 2},
    ),
    "c7n_2018_failed.json": (
        {
            "training_job_status": "Failed",
            # No offset: taken for UTC.
            "creation_time": utc("2018-01-12 13:23:33.406"),
            "training_end_time": utc("2018-01-12 13:30:01.498"),
            "training_time_in_seconds": None,
            "secondary_status_transitions__count": None,
            "resource_config_instance_count": 2,
            "month": "2018-01",
        },
        {"hyper_parameters": 3, "input_data_config": 1},
    ),
    "cli_2025_xgboost_completed.json": (
        {
            "region": "us-east-1",
            "creation_time": utc("2025-05-16 18:10:50.603"),
            "training_start_time": utc("2025-05-16 18:11:32.239"),
            "last_modified_time": utc("2025-05-16 18:13:37.530"),
            "output_data_config_compression_type": "GZIP",
        },
        {"hyper_parameters": 6, "secondary_status_transitions": 5},
    ),
    "dsoaws_stepfunctions_sync_output.json": (
        {
            "creation_time": utc("2020-02-23 19:15:04.284"),
            "training_end_time": utc("2020-02-23 19:17:50.829"),
            "algorithm_specification_training_input_mode": "File",
            "resource_config_instance_count": 1,
            "resource_config_volume_size_in_gb": 30,
            "stopping_condition_max_runtime_in_seconds": 86400,
        },
        {"hyper_parameters": 8, "secondary_status_transitions": 5, "tags": 2},
    ),
    "event_mlspace_tuning_inprogress.json": (
        {
            "source": "event",
            "training_job_status": "InProgress",
            "creation_time": utc("2023-10-04 13:46:22.554"),
            "training_start_time": utc("2023-10-04 13:46:26.229"),
            "training_end_time": None,
            "last_modified_time": utc("2023-10-04 13:46:47.435"),
            "failure_reason": None,
        },
        {"tags": 3, "secondary_status_transitions": 0},
    ),
    "hf_distilbert_2x_p3_completed.json": (
        {
            "region": "us-east-2",
            "creation_time": utc("2022-02-16 17:14:13.461"),
            "training_end_time": utc("2022-02-16 18:06:18.005"),
            "resource_config_instance_type": "ml.p3.2xlarge",
            "resource_config_instance_count": 2,
        },
        {"hyper_parameters": 10, "algorithm_specification_metric_definitions": 10, "secondary_status_transitions": 5},
    ),
    "schematical_vpc_inprogress_sagemaker.json": (
        {
            "secondary_status": "Starting",
            "creation_time": utc("2023-04-05 15:29:57.352"),
            "resource_config_keep_alive_period_in_seconds": 0,
            "enable_network_isolation": False,
            "profiling_status": "Disabled",
        },
        {"vpc_config_subnets": 2, "vpc_config_security_group_ids": 1, "secondary_status_transitions": 1},
    ),
}


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded responses are not at hand")
def test_what_comes_of_recorded_responses(tmp_path):
    homes = {}
    for file in sorted(RECORDED.glob("*.json")):
        home = Home(tmp_path / file.stem)
        outcome = import_files(RawArchive(home.raw), [file], Redactor())
        if file.name.startswith("c7n_2018_list_page"):
            assert "a list of summaries is not enough" in outcome.error
            continue
        assert (outcome.error, outcome.documents) == (None, 1)
        load(home)
        assert list(Quarantine(home.quarantine).lines()) == []
        homes[file.name] = lake(home)
    assert set(homes) == set(EXPECTED)
    for name, (members, counts) in EXPECTED.items():
        row = only(homes[name]["training_jobs"])
        assert {member: row[member] for member in members} == members, name
        assert {table: len(homes[name][table]) for table in counts} == counts, name


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded responses are not at hand")
def test_all_recorded_responses_at_once(tmp_path):
    home = Home(tmp_path)
    outcome = import_files(RawArchive(home.raw), sorted(RECORDED.glob("*.json")), Redactor())
    assert outcome.documents == len(EXPECTED)
    load(home)
    jobs = {json.loads(file.read_bytes()).get("TrainingJobArn") for file in RECORDED.glob("*.json")} - {None}
    assert len(lake(home)["training_jobs"]) == len(jobs) + 1  # that of the event
