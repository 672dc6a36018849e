"""The made fleet has all that real fleets have been seen with, and its ordinary jobs keep the API's own rules."""

import csv
import itertools
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import botocore.session
import duckdb
import msgspec
import pytest

from pipelines.flatten.gate import document_type
from pipelines.simulator.made_fleet import (
    END_SECONDS,
    FAILURES,
    INNOCENT_HYPER_PARAMETERS,
    SECRET_HYPER_PARAMETERS,
    SECRET_LOOKING_VALUE,
    SECRETS,
    UNKNOWN_INSTANCE_TYPE,
    made_documents,
)

REFERENCE = Path(__file__).parents[2] / "reference"
ENDED = ("Completed", "Failed", "Stopped")
YEAR_SECONDS = 365 * 24 * 3600


@pytest.fixture(scope="module")
def documents():
    return made_documents(seed=7, jobs=3000, end=END_SECONDS)


@pytest.fixture(scope="module")
def model():
    return botocore.session.get_session().get_service_model("sagemaker")


def failure_classes(reasons):
    """The class that the failure rules give to each text; `unknown` if none matches."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select reason, coalesce(arg_min(failure_class, priority), 'unknown') from (select unnest($1) as reason)"
            " left join read_csv($2) on regexp_matches(reason, pattern) group by reason",
            [sorted(set(reasons)), str(REFERENCE / "failure_rules.csv")],
        ).fetchall()
    return dict(rows)


def transitions(document):
    return document.get("SecondaryStatusTransitions") or []


def statuses(document):
    return [transition["Status"] for transition in transitions(document)]


def account_and_region(document):
    _, _, _, region, account, _ = document["TrainingJobArn"].split(":")
    return account, region


def seconds_of(document, start, end):
    return document[end] - document[start]


def paths_of_model(shape, path=""):
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield f"{path}.{name}"
            yield from paths_of_model(member, f"{path}.{name}")
    elif shape.type_name == "list":
        yield from paths_of_model(shape.member, f"{path}[]")


def paths_of_document(value, path=""):
    if isinstance(value, dict):
        for name, member in value.items():
            if member not in (None, "", [], {}):
                yield f"{path}.{name}"
                yield from paths_of_document(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from paths_of_document(member, f"{path}[]")


# The fleet as a whole


def test_the_same_seed_makes_the_same_documents_and_another_makes_others():
    assert made_documents(1, 300, END_SECONDS) == made_documents(1, 300, END_SECONDS)
    assert made_documents(1, 300, END_SECONDS) != made_documents(2, 300, END_SECONDS)


@pytest.mark.parametrize("jobs", [1, 20, 500])
def test_a_fleet_has_as_many_jobs_as_asked_for(jobs):
    assert len(made_documents(7, jobs, END_SECONDS)) == jobs


def test_documents_survive_json_and_share_nothing(documents):
    assert json.loads(json.dumps(documents)) == documents
    mutable = [id(value) for document in documents for value in document.values() if isinstance(value, dict | list)]
    assert len(mutable) == len(set(mutable))


def test_every_member_of_the_record_is_present_somewhere(documents, model):
    expected = {
        path
        for shape in ("TrainingJob", "DescribeTrainingJobResponse")
        for path in paths_of_model(model.shape_for(shape))
    }
    present = {path for document in documents for path in paths_of_document(document)}
    assert expected - present == set()


def test_documents_have_the_types_of_the_record(documents):
    for document in documents:
        modelled = {name: value for name, value in document.items() if name != "CarbonFootprint"}
        output = {k: v for k, v in document["OutputDataConfig"].items() if k != "RetentionInDays"}
        msgspec.json.Decoder(document_type()).decode(json.dumps(modelled | {"OutputDataConfig": output}))


def test_jobs_are_created_within_a_year_up_to_the_end_at_working_hours(documents):
    created = [document["CreationTime"] for document in documents]
    assert created == sorted(created)
    assert END_SECONDS - YEAR_SECONDS <= created[0] < END_SECONDS - YEAR_SECONDS * 0.99
    assert END_SECONDS - 3600 < created[-1] <= END_SECONDS
    moments = [datetime.fromtimestamp(at, UTC) for at in created]
    hours = Counter(moment.hour for moment in moments)
    days = Counter(moment.weekday() for moment in moments)
    assert sum(hours[hour] for hour in (9, 13, 14)) > 2 * sum(hours[hour] for hour in (1, 2, 3))
    assert min(days[day] for day in range(5)) > 1.5 * max(days[5], days[6])


def test_nothing_happens_after_the_end(documents):
    assert max(document["LastModifiedTime"] for document in documents) <= END_SECONDS


def test_some_instants_have_milliseconds_and_some_do_not(documents):
    created = [document["CreationTime"] for document in documents]
    assert sum(isinstance(at, int) for at in created) > 100
    assert sum(isinstance(at, float) for at in created) > 1000
    assert all(round(at * 1000) / 1000 == at for at in created)


def test_there_are_three_accounts_and_three_regions(documents):
    places = [account_and_region(document) for document in documents]
    assert {account for account, _ in places} == {"111122223333", "012345678901", "444455556666"}
    assert len({region for _, region in places}) == 3
    assert min(Counter(places).values()) > 100


def test_names_are_ascii_and_unique_and_arns_name_them(documents):
    names = [document["TrainingJobName"] for document in documents]
    assert len(set(names)) == len(names)
    for document in documents:
        assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", document["TrainingJobName"])
        account, region = account_and_region(document)
        assert document["TrainingJobArn"] == (
            f"arn:aws:sagemaker:{region}:{account}:training-job/{document['TrainingJobName']}"
        )
        assert document["RoleArn"].split(":")[4] == account
        for parent in ("TuningJobArn", "AutoMLJobArn", "LabelingJobArn"):
            if document.get(parent):
                assert document[parent].startswith(f"arn:aws:sagemaker:{region}:{account}:")


# Statuses and time


def test_every_status_occurs_and_one_that_no_model_knows(documents, model):
    secondary = {status for document in documents for status in [document["SecondaryStatus"], *statuses(document)]}
    assert secondary == {*model.shape_for("SecondaryStatus").enum, "Verifying"}
    primary = {document["TrainingJobStatus"] for document in documents}
    assert primary == set(model.shape_for("TrainingJobStatus").enum)


def test_final_statuses_are_shared_as_in_a_real_fleet(documents):
    counts = Counter(document["TrainingJobStatus"] for document in documents)
    assert counts["Completed"] > 0.6 * len(documents)
    assert 0.08 * len(documents) < counts["Failed"] < 0.25 * len(documents)
    assert 0.03 * len(documents) < counts["Stopped"] < 0.2 * len(documents)


def test_jobs_are_still_open_at_the_end_in_every_way(documents):
    still_open = [d for d in documents if d["TrainingJobStatus"] in ("InProgress", "Stopping")]
    assert {document["SecondaryStatus"] for document in still_open} >= {
        "Starting",
        "Pending",
        "Downloading",
        "Training",
        "Uploading",
        "Stopping",
        "Interrupted",
        "Restarting",
        "Updating",
    }
    for document in still_open:
        assert "EndTime" not in transitions(document)[-1]
        assert "TrainingEndTime" not in document
        assert "BillableTimeInSeconds" not in document
        assert ("TrainingTimeInSeconds" in document) == ("TrainingStartTime" in document)


def test_a_job_is_stopping_while_it_still_starts(documents):
    assert [
        statuses(document)
        for document in documents
        if (document["TrainingJobStatus"], document["SecondaryStatus"]) == ("Stopping", "Starting")
    ] == [["Starting"]]


def keeps_the_rules(document):
    """Whether a job with transitions obeys every fact that the API's records have as a rule."""
    visits = transitions(document)
    starts = [visit["StartTime"] for visit in visits]
    ends = [visit.get("EndTime") for visit in visits]
    downloading = [visit["StartTime"] for visit in visits if visit["Status"] == "Downloading"]
    is_ended = document["TrainingJobStatus"] in ENDED
    return (
        document["CreationTime"] == starts[0]
        and ends[:-1] == starts[1:]
        and ends[-1] == (starts[-1] if is_ended else None)
        and document.get("TrainingStartTime") == (downloading[0] if downloading else None)
        and document.get("TrainingEndTime") == (starts[-1] if is_ended and downloading else None)
        and document["SecondaryStatus"] == visits[-1]["Status"]
        and document["LastModifiedTime"] >= starts[-1]
    )


def test_ordinary_jobs_keep_the_rules_and_few_jobs_do_not(documents):
    with_transitions = [document for document in documents if transitions(document)]
    odd = [document for document in with_transitions if not keeps_the_rules(document)]
    assert 20 <= len(odd) <= 0.02 * len(documents)


def test_last_modified_time_is_the_start_of_the_status_unless_rules_or_a_warm_pool_changed_later(documents):
    later = [
        document
        for document in documents
        if transitions(document)
        and keeps_the_rules(document)
        and document["LastModifiedTime"] > transitions(document)[-1]["StartTime"]
    ]
    rules = [
        document
        for document in later
        if document.get("DebugRuleEvaluationStatuses") or document.get("ProfilerRuleEvaluationStatuses")
    ]
    warm = [document for document in later if document.get("WarmPoolStatus")]
    assert len(rules) > 100
    assert len(warm) > 10
    assert len({document["TrainingJobName"] for document in rules + warm}) == len(later)


def test_training_time_is_the_end_less_the_start(documents):
    timed = [d for d in documents if "TrainingTimeInSeconds" in d and "TrainingEndTime" in d]
    assert len(timed) > 0.8 * len(documents)
    for document in timed:
        assert abs(seconds_of(document, "TrainingStartTime", "TrainingEndTime") - document["TrainingTimeInSeconds"]) < 1


def test_spot_jobs_are_billed_for_less_and_others_for_all(documents):
    billed = [document for document in documents if "BillableTimeInSeconds" in document]
    spot = [document for document in billed if document["EnableManagedSpotTraining"]]
    on_demand = [document for document in billed if not document["EnableManagedSpotTraining"]]
    assert len(spot) > 300
    assert all(document["BillableTimeInSeconds"] < document["TrainingTimeInSeconds"] for document in spot)
    assert all(document["BillableTimeInSeconds"] == document["TrainingTimeInSeconds"] for document in on_demand)


def test_interrupted_spot_jobs_repeat_their_statuses(documents):
    interrupted = [document for document in documents if "Interrupted" in statuses(document)]
    assert len(interrupted) > 50
    assert all(document["EnableManagedSpotTraining"] for document in interrupted)
    assert {statuses(document).count("Training") for document in interrupted} >= {1, 2, 3}


def test_jobs_over_their_limits_are_stopped(documents):
    for status in ("MaxRuntimeExceeded", "MaxWaitTimeExceeded"):
        over = [document for document in documents if document["SecondaryStatus"] == status]
        assert len(over) >= 2
        assert {document["TrainingJobStatus"] for document in over} == {"Stopped"}


def test_a_long_wait_says_that_capacity_is_missing(documents):
    messages = Counter(visit["StatusMessage"] for document in documents for visit in transitions(document))
    assert messages["Insufficient capacity error from EC2 while launching instances, retrying!"] > 20


# Odd records


def count(documents, predicate):
    return sum(bool(predicate(document)) for document in documents)


def pairs(document):
    """Neighbouring transitions that both have what is asked of them."""
    visits = transitions(document)
    return [(a, b) for a, b in itertools.pairwise(visits) if a.get("EndTime") is not None]


@pytest.mark.parametrize(
    ("oddity", "predicate"),
    [
        (
            "of 2018",
            lambda d: (
                not {
                    "SecondaryStatusTransitions",
                    "TrainingTimeInSeconds",
                    "BillableTimeInSeconds",
                    "EnableManagedSpotTraining",
                }
                & set(d)
            ),
        ),
        ("failed before it started", lambda d: d["TrainingJobStatus"] == "Failed" and "TrainingStartTime" not in d),
        (
            "completed without start or end",
            lambda d: d["TrainingJobStatus"] == "Completed" and "TrainingEndTime" not in d,
        ),
        (
            "terminal, last transition open",
            lambda d: d["TrainingJobStatus"] in ENDED and transitions(d) and "EndTime" not in transitions(d)[-1],
        ),
        (
            "terminal, last transition not terminal",
            lambda d: d["TrainingJobStatus"] == "Completed" and statuses(d)[-1:] == ["Downloading"],
        ),
        ("overlap", lambda d: any(b["StartTime"] < a["EndTime"] < b["StartTime"] + 60 for a, b in pairs(d))),
        ("hole", lambda d: any(a["StartTime"] < a["EndTime"] < b["StartTime"] for a, b in pairs(d))),
        ("negative length", lambda d: any(a["EndTime"] < a["StartTime"] for a, _ in pairs(d))),
        (
            "late first transition",
            lambda d: transitions(d) and min(v["StartTime"] for v in transitions(d)) > d["CreationTime"],
        ),
        ("not in order", lambda d: any(b["StartTime"] < a["StartTime"] for a, b in pairs(d))),
        ("null member", lambda d: "VpcConfig" in d and d["VpcConfig"] is None),
        ("null end of a transition", lambda d: any(v.get("EndTime", 0) is None for v in transitions(d))),
        ("empty ARN", lambda d: d.get("TuningJobArn") == ""),
        ("empty instance type", lambda d: d.get("ResourceConfig", {}).get("InstanceType") == ""),
        ("empty key", lambda d: d["OutputDataConfig"]["KmsKeyId"] == ""),
        ("empty lists", lambda d: d["Tags"] == [] and d["HyperParameters"] == {} and d["InputDataConfig"] == []),
        ("empty failure reason", lambda d: d["TrainingJobStatus"] == "Failed" and d["FailureReason"] == ""),
        ("being deleted", lambda d: d["TrainingJobStatus"] == "Deleting"),
        ("no resources", lambda d: "ResourceConfig" not in d),
        ("member that no model knows", lambda d: "CarbonFootprint" in d),
        ("nested member that no model knows", lambda d: "RetentionInDays" in d["OutputDataConfig"]),
        ("unknown instance type", lambda d: d.get("ResourceConfig", {}).get("InstanceType") == UNKNOWN_INSTANCE_TYPE),
    ],
)
def test_odd_jobs_occur(documents, oddity, predicate):
    assert count(documents, predicate) >= 2, oddity


def test_numbers_reach_their_limits(documents):
    values = [metric["Value"] for d in documents for metric in d.get("FinalMetricDataList") or []]
    assert {2**53, 1.401298464324817e-45, 2.2250738585072014e-308, 1.7976931348623157e308} <= set(values)
    assert 2**53 + 1 in {document.get("BillableTokenCount") for document in documents}
    seeds = [channel.get("ShuffleConfig", {}).get("Seed") for d in documents for channel in d["InputDataConfig"]]
    assert 2**63 - 1 in seeds


# Resources


def test_heterogeneous_clusters_have_no_type_at_the_top_and_a_count_of_0_or_none(documents):
    resources = [d["ResourceConfig"] for d in documents if d.get("ResourceConfig", {}).get("InstanceGroups")]
    assert len(resources) > 20
    assert {resource.get("InstanceType") for resource in resources} == {None}
    assert {resource.get("InstanceCount", "absent") for resource in resources} == {0, "absent"}
    assert all(sum(group["InstanceCount"] for group in resource["InstanceGroups"]) > 2 for resource in resources)


def test_instance_types_are_known_but_one(documents):
    with (REFERENCE / "instance_types.csv").open(newline="", encoding="utf-8") as file:
        known = {row["instance_type"] for row in csv.DictReader(file)}
    used = {document.get("ResourceConfig", {}).get("InstanceType") for document in documents}
    assert used - known == {UNKNOWN_INSTANCE_TYPE, None, ""}


def test_warm_pools_are_reused_by_the_job_that_follows(documents):
    by_name = {document["TrainingJobName"]: document for document in documents}
    pools = [document for document in documents if document.get("WarmPoolStatus")]
    assert {d["WarmPoolStatus"]["Status"] for d in pools} == {"Available", "InUse", "Reused", "Terminated"}
    for document in pools:
        pool = document["WarmPoolStatus"]
        is_kept = pool["Status"] in ("Available", "InUse")
        assert is_kept == ("ResourceRetainedBillableTimeInSeconds" not in pool)
        if pool["Status"] == "Reused":
            following = by_name[pool["ReusedByJob"]]
            assert account_and_region(following) == account_and_region(document)
            gap = following["CreationTime"] - document["TrainingEndTime"]
            assert abs(gap - pool["ResourceRetainedBillableTimeInSeconds"]) < 1
            assert document["LastModifiedTime"] >= following["CreationTime"]


# Parents and retries


def test_parents_have_children_that_run_side_by_side(documents):
    for member, least_parents, least_children in (
        ("TuningJobArn", 8, 10),
        ("AutoMLJobArn", 2, 4),
        ("LabelingJobArn", 2, 2),
    ):
        children = Counter(document[member] for document in documents if document.get(member))
        assert len(children) >= least_parents, member
        assert max(children.values()) >= least_children, member
    (arn, _), *_ = Counter(d["TuningJobArn"] for d in documents if d.get("TuningJobArn")).most_common()
    siblings = [document for document in documents if document.get("TuningJobArn") == arn]
    assert any(
        a["CreationTime"] < b["CreationTime"] < a["LastModifiedTime"] for a in siblings for b in siblings if a is not b
    )


def test_failed_jobs_are_submitted_again(documents):
    def program(document):
        hyper_parameters = document["HyperParameters"]
        return document["RoleArn"], hyper_parameters.get("sagemaker_program"), hyper_parameters.get("seed")

    retried = 0
    waiting = {}
    for document in documents:
        if document.get("TuningJobArn") or document.get("AutoMLJobArn") or document.get("LabelingJobArn"):
            continue
        previous = waiting.pop(program(document), None)
        if previous and previous["LastModifiedTime"] < document["CreationTime"] < previous["LastModifiedTime"] + 3600:
            retried += 1
        if document["TrainingJobStatus"] == "Failed":
            waiting[program(document)] = document
    assert retried > 50


# Failures


def test_every_failure_text_is_of_the_class_it_is_meant_to_be():
    classes = failure_classes(failure.reason[:1024] for failure in FAILURES)
    assert classes == {failure.reason[:1024]: failure.failure_class for failure in FAILURES}


def test_failures_of_every_class_occur_and_only_failed_jobs_have_them(documents):
    reasons = [d["FailureReason"] for d in documents if d["TrainingJobStatus"] == "Failed"]
    assert set(failure_classes(reasons).values()) == {failure.failure_class for failure in FAILURES}
    assert len({failure.failure_class for failure in FAILURES}) == 14  # the 13 of the rules, and unknown
    assert not any(d.get("FailureReason") for d in documents if d["TrainingJobStatus"] != "Failed")
    assert sum("\n" in reason for reason in reasons) > 50
    assert sum(len(reason) == 1024 for reason in reasons) >= 5
    assert max(len(reason) for reason in reasons) == 1024


# Texts and secrets


def test_secrets_are_planted_beside_innocent_neighbours(documents):
    environments = [document.get("Environment") or {} for document in documents]
    hyper_parameters = [document["HyperParameters"] for document in documents]
    assert sum(SECRETS.items() <= environment.items() for environment in environments) > 50
    assert sum(SECRET_HYPER_PARAMETERS.items() <= parameters.items() for parameters in hyper_parameters) > 50
    assert sum(INNOCENT_HYPER_PARAMETERS.items() <= parameters.items() for parameters in hyper_parameters) > 50
    assert sum(SECRET_LOOKING_VALUE.items() <= environment.items() for environment in environments) > 50
    assert all("planted-secret-" in value for value in {**SECRETS, **SECRET_HYPER_PARAMETERS}.values())
    assert all(re.fullmatch("AKIA[A-Z0-9]{16}", value) for value in SECRET_LOOKING_VALUE.values())


def test_secrets_are_nowhere_but_where_they_were_planted(documents):
    for document in documents:
        rest = {name: value for name, value in document.items() if name not in ("Environment", "HyperParameters")}
        assert "planted-secret-" not in json.dumps(rest)


def test_texts_are_not_all_ascii(documents):
    def has_unicode(value):
        return not json.dumps(value, ensure_ascii=False).isascii()

    assert count(documents, lambda d: has_unicode(d["Tags"])) > 100
    assert count(documents, lambda d: has_unicode(d["HyperParameters"])) > 100
    assert count(documents, lambda d: has_unicode(d["AlgorithmSpecification"])) > 100
    assert "🚀" in json.dumps(documents, ensure_ascii=False)


def test_hyper_parameters_of_the_sdk_are_json(documents):
    with_program = [d["HyperParameters"] for d in documents if "sagemaker_program" in d["HyperParameters"]]
    assert len(with_program) > 1000
    assert all(json.loads(parameters["sagemaker_program"]).endswith(".py") for parameters in with_program)
