"""What a document was at an earlier instant: examples of each rule, then the rules over made and real documents."""

import copy
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.simulator import Fleet
from pipelines.simulator.made_fleet import END_SECONDS, made_documents
from pipelines.simulator.rewind import KNOWN_AT_END, PRIMARY_STATUSES, final_instant, newest_instant, rewind
from tests.simulator.made import T0, job

FLEETS = Path(os.environ.get("TRAINYARD_FLEETS", Path(__file__).parents[3] / "shared" / "fleets"))
TERMINAL = ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")


def statuses(document):
    return [transition["Status"] for transition in document["SecondaryStatusTransitions"]]


def test_is_absent_before_its_creation():
    assert rewind(job("a"), T0 - 0.001) is None


def test_is_the_final_document_itself_from_its_last_modification_on():
    document = job("a")
    assert rewind(document, T0 + 70) is document
    assert rewind(document, T0 + 1e9) is document


def test_has_just_begun():
    past = rewind(job("a"), T0)
    assert past["TrainingJobStatus"] == "InProgress"
    assert past["SecondaryStatus"] == "Starting"
    assert past["SecondaryStatusTransitions"] == [
        {"Status": "Starting", "StartTime": T0, "StatusMessage": "Preparing"},
    ]
    assert past["LastModifiedTime"] == T0
    assert not {"TrainingStartTime", "TrainingTimeInSeconds", *KNOWN_AT_END} & past.keys()


def test_is_training():
    past = rewind(job("a"), T0 + 40)
    assert past["SecondaryStatus"] == "Training"
    assert past["SecondaryStatusTransitions"][0]["EndTime"] == T0 + 10
    assert "EndTime" not in past["SecondaryStatusTransitions"][1]
    assert past["TrainingStartTime"] == past["LastModifiedTime"] == T0 + 10
    assert past["TrainingTimeInSeconds"] == 0  # as of LastModifiedTime
    assert "TrainingEndTime" not in past


def test_is_stopping():
    document = job(
        "a",
        TrainingJobStatus="Stopped",
        SecondaryStatus="Stopped",
        SecondaryStatusTransitions=[
            {"Status": "Training", "StartTime": T0, "EndTime": T0 + 50},
            {"Status": "Stopping", "StartTime": T0 + 50, "EndTime": T0 + 70},
            {"Status": "Stopped", "StartTime": T0 + 70, "EndTime": T0 + 70},
        ],
    )
    past = rewind(document, T0 + 60)
    assert (past["TrainingJobStatus"], past["SecondaryStatus"]) == ("Stopping", "Stopping")
    assert past["TrainingTimeInSeconds"] == 40


def test_what_changes_after_the_end():
    document = job(
        "a",
        LastModifiedTime=T0 + 3600,
        WarmPoolStatus={"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 3000},
        DebugRuleEvaluationStatuses=[
            {"RuleConfigurationName": "Loss", "RuleEvaluationStatus": "NoIssuesFound", "LastModifiedTime": T0 + 100},
        ],
    )
    running, ended, judged = rewind(document, T0 + 69), rewind(document, T0 + 99), rewind(document, T0 + 100)
    assert running["WarmPoolStatus"] == {"Status": "InUse"}
    assert ended["WarmPoolStatus"] == {"Status": "Available"}
    assert ended["TrainingJobStatus"] == "Completed"
    assert ended["LastModifiedTime"] == T0 + 70
    assert ended["BillableTimeInSeconds"] == 60
    assert ended["DebugRuleEvaluationStatuses"][0] == {
        "RuleConfigurationName": "Loss",
        "RuleEvaluationStatus": "InProgress",
        "LastModifiedTime": T0,
    }
    assert judged["DebugRuleEvaluationStatuses"] == document["DebugRuleEvaluationStatuses"]
    assert judged["LastModifiedTime"] == T0 + 100


def test_without_transitions_is_in_progress_until_it_is_final():
    document = job("a", LastModifiedTime=T0 + 71, FailureReason="ClientError")
    del document["SecondaryStatusTransitions"]
    assert rewind(document, T0 + 5)["SecondaryStatus"] == "Starting"
    past = rewind(document, T0 + 70.5)
    assert (past["TrainingJobStatus"], past["SecondaryStatus"]) == ("InProgress", "Training")
    assert not {"SecondaryStatusTransitions", "TrainingEndTime", "FailureReason"} & past.keys()


def test_a_terminal_job_with_an_open_last_transition():
    transitions = [
        {"Status": "Starting", "StartTime": T0, "EndTime": T0 + 10},
        {"Status": "Downloading", "StartTime": T0 + 10},
    ]
    document = job("a", SecondaryStatusTransitions=transitions)
    past = rewind(document, T0 + 20)
    assert past["TrainingJobStatus"] == "InProgress"
    assert statuses(past) == ["Starting", "Downloading"]
    assert rewind(document, T0 + 70)["TrainingJobStatus"] == "Completed"


def test_without_last_modified_time_never_gets_one():
    document = job("a")
    del document["LastModifiedTime"]
    assert "LastModifiedTime" not in rewind(document, T0 + 40)
    assert rewind(document, T0 + 70) is document


def test_transitions_of_the_same_instant_appear_together():
    transitions = [
        {"Status": "Starting", "StartTime": T0, "EndTime": T0},
        {"Status": "Pending", "StartTime": T0, "EndTime": T0 + 70},
        {"Status": "Completed", "StartTime": T0 + 70, "EndTime": T0 + 70},
    ]
    past = rewind(job("a", SecondaryStatusTransitions=transitions), T0)
    assert statuses(past) == ["Starting", "Pending"]
    assert past["SecondaryStatus"] == "Pending"
    assert past["SecondaryStatusTransitions"][0]["EndTime"] == T0


@pytest.mark.parametrize("created", [None, "yesterday"])
def test_a_document_without_creation_time_is_always_final(created):
    document = job("a", CreationTime=created)
    assert rewind(document, 0) is document


def test_a_document_modified_last_before_all_that_it_says_stands_from_then_on():
    # Met in real records. Anything else would change the document without a later LastModifiedTime.
    document = job("a", LastModifiedTime=T0)
    assert rewind(document, T0) is document


def test_malformed_documents_do_not_stop_it():
    document = job("a", SecondaryStatusTransitions="none", FinalMetricDataList=[None], DebugRuleEvaluationStatuses={})
    assert newest_instant(document) == T0 + 70
    assert rewind(document, T0 + 40)["SecondaryStatusTransitions"] == []


milliseconds = st.integers(0, 5000).map(lambda n: n * 0.25)  # exact in binary, and often equal
middle = st.sampled_from(["Starting", "Pending", "Downloading", "Training", "Interrupted", "Uploading", "Verifying"])


@st.composite
def transition_lists(draw):
    """Transitions of made lengths, mostly contiguous, now and then apart, overlapping or without end."""
    path = draw(st.lists(middle, max_size=5))
    path += draw(st.sampled_from([[], *([status] for status in TERMINAL), ["Stopping"], ["Stopping", "Stopped"]]))
    transitions, clock = [], T0 + draw(st.sampled_from([0, 0, 0, 3]))
    for status in path:
        end = clock + (0 if status in TERMINAL else draw(milliseconds))
        transitions.append({"Status": status, "StartTime": clock, "EndTime": end})
        clock = max(T0, end + draw(st.sampled_from([0, 0, 0, 5, -5])))
    if transitions and draw(st.booleans()):
        del transitions[-1]["EndTime"]
    return transitions


@st.composite
def documents(draw):
    """Final documents; their LastModifiedTime is now and then later or earlier than all else they speak of."""
    transitions = draw(transition_lists())
    last = transitions[-1]["Status"] if transitions else draw(st.sampled_from(["Starting", *TERMINAL]))
    last = draw(st.sampled_from([last, last, "Completed"]))
    document = job(
        "made",
        SecondaryStatus=last,
        TrainingJobStatus=PRIMARY_STATUSES.get(last, "InProgress"),
        SecondaryStatusTransitions=transitions,
        WarmPoolStatus={"Status": "Terminated"},
        FailureReason="AlgorithmError",
        TrainingStartTime=T0 + draw(milliseconds),
        TrainingEndTime=T0 + draw(milliseconds),
        TrainingTimeInSeconds=draw(st.integers(0, 2000)),
        DebugRuleEvaluationStatuses=[
            {"RuleConfigurationName": "Loss", "RuleEvaluationStatus": "Error", "LastModifiedTime": T0 + moment}
            for moment in draw(st.lists(milliseconds, max_size=2))
        ],
    )
    document["FinalMetricDataList"] = [
        {"MetricName": "loss", "Value": 0.5, "Timestamp": T0 + moment}
        for moment in draw(st.lists(milliseconds, max_size=2))
    ]
    del document["LastModifiedTime"]
    for name in draw(st.lists(st.sampled_from(sorted(document.keys() - {"CreationTime"})), max_size=3)):
        document.pop(name, None)
    modified = newest_instant(document) + draw(st.sampled_from([0, 0, 0.25, 3600, -0.25, -1000]))
    document["LastModifiedTime"] = max(T0, modified)
    return document


def instants_within(value):
    """Every instant in a document, wherever it stands."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name == "Timestamp" or name.endswith("Time"):
                if below is not None:
                    yield below
            else:
                yield from instants_within(below)
    elif isinstance(value, list):
        for below in value:
            yield from instants_within(below)


def assert_rules(document):
    """What holds for every document that has a CreationTime and a LastModifiedTime no earlier."""
    final = final_instant(document)
    moments = sorted({*instants_within(document), final})
    moments = sorted({*moments, *((a + b) / 2 for a, b in pairwise(moments)), moments[-1] + 1})
    before = copy.deepcopy(document)
    previous = None
    for moment in moments:
        past = rewind(document, moment)
        assert document == before, "the final document is left alone"
        assert (past is None) == (moment < document["CreationTime"])
        if past is None:
            continue
        assert (past is document) == (moment >= final)
        assert past["LastModifiedTime"] <= moment
        assert rewind(document, past["LastModifiedTime"]) == past, "it stands since its LastModifiedTime"
        if previous is not None:
            assert past["LastModifiedTime"] >= previous["LastModifiedTime"]
            assert (past == previous) == (past["LastModifiedTime"] == previous["LastModifiedTime"])
        previous = past
        if past is not document:
            assert max(instants_within(past)) <= moment, "nothing is known before it happens"
            assert_status_is_that_of_its_transitions(past)


def assert_status_is_that_of_its_transitions(past):
    transitions = past.get("SecondaryStatusTransitions") or []
    if transitions:
        status = max(reversed(transitions), key=lambda entry: entry["StartTime"])["Status"]
        assert past.get("SecondaryStatus", status) == status
        assert past.get("TrainingJobStatus") in (None, PRIMARY_STATUSES.get(status, "InProgress"))
        if status not in TERMINAL:
            assert not past.keys() & set(KNOWN_AT_END)
            assert any("EndTime" not in entry for entry in transitions)
    if "TrainingTimeInSeconds" in past:
        assert past["TrainingTimeInSeconds"] >= 0
        assert "TrainingStartTime" in past


@settings(max_examples=400, deadline=None)
@given(documents())
def test_rules_over_made_documents(document):
    assert_rules(document)


@pytest.mark.skipif(not FLEETS.is_dir(), reason="there are no real fleets here")
def test_rules_over_real_fleets():
    for path in sorted(FLEETS.glob("*.ndjson.gz")):
        for document in Fleet.load(path).documents[::10]:
            assert_rules(document)


def test_rules_over_the_made_fleet():
    for document in made_documents(seed=3, jobs=300, end=END_SECONDS):
        assert_rules(document)
