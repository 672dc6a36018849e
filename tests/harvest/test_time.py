"""Truth about time: what is open is so as of the last look, what has ended may change, no older version comes back."""

import itertools
import json
from datetime import UTC, datetime

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.sources import select_sources
from pipelines.simulator import Fleet, Simulator
from pipelines.simulator.made_fleet import END_SECONDS, made_documents
from pipelines.simulator.rewind import final_instant, rewind
from tests.harvest.passes import SOURCE, held, received, run_pass
from tests.main_job import lake
from tests.simulator.made import T0, job

HOUR = 3600


def test_a_source_is_known_up_to_its_last_look_and_not_to_this_machines_clock(home):
    running = job("running", T0, TrainingEndTime=T0 + 99 * HOUR, LastModifiedTime=T0 + 99 * HOUR)
    with Simulator(Fleet([running]), now=T0 + HOUR) as simulator:
        run_pass(simulator, home)
        simulator.advance(2 * HOUR)
        assert run_pass(simulator, home).documents == 0
    with duckdb.connect() as connection:
        ((source, looked_at),) = connection.execute(select_sources(home)).fetchall()
    assert (source, looked_at.replace(tzinfo=UTC)) == (SOURCE, datetime.fromtimestamp(T0 + 3 * HOUR, UTC))


def test_a_job_that_changes_after_its_end_is_seen(home):
    """A rule's evaluation half a minute after the end, and a warm pool an hour after it."""
    last = {
        "LastModifiedTime": T0 + HOUR,
        "DebugRuleEvaluationStatuses": [
            {"RuleConfigurationName": "Loss", "RuleEvaluationStatus": "NoIssuesFound", "LastModifiedTime": T0 + 100}
        ],
        "WarmPoolStatus": {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 3500},
    }
    with Simulator(Fleet([job("job", T0, **last)]), now=T0 + 80) as simulator:
        for now in (T0 + 80, T0 + 120, T0 + HOUR + 1):
            simulator.set_time(now)
            run_pass(simulator, home)
    versions = [
        (
            document["TrainingJobStatus"],
            document["DebugRuleEvaluationStatuses"][0]["RuleEvaluationStatus"],
            document["WarmPoolStatus"]["Status"],
        )
        for document in received(home)
    ]
    assert versions == [
        ("Completed", "InProgress", "Available"),
        ("Completed", "NoIssuesFound", "Available"),
        ("Completed", "NoIssuesFound", "Terminated"),
    ]
    (document,) = held(home).values()
    assert document["WarmPoolStatus"] == last["WarmPoolStatus"]


def test_tags_that_change_are_seen_with_the_next_change_of_the_job_or_within_the_overlap(home):
    """The limit of a harvest by LastModifiedTime, which tags do not move."""
    first = Fleet([job("early", T0, Tags=[]), job("late", T0 + 10 * HOUR, Tags=[])])
    tagged = [{"Key": "team", "Value": "a"}]
    second = Fleet([document | {"Tags": tagged} for document in first.documents])
    for fleet in (first, second):
        with Simulator(fleet) as simulator:
            run_pass(simulator, home)
    tags = {document["TrainingJobName"]: document["Tags"] for document in held(home).values()}
    assert tags == {"early": [], "late": tagged}


def test_an_index_that_falls_back_changes_nothing(home):
    with Simulator(Fleet([job("job", T0), *(job(f"other{n}", T0 + n) for n in range(5))])) as simulator:
        run_pass(simulator, home)
        simulator.set_time(T0 + 20)
        assert run_pass(simulator, home).documents == 0
    assert {document["TrainingJobStatus"] for document in held(home).values()} == {"Completed"}


JOBS = made_documents(seed=9, jobs=60, end=END_SECONDS)[-4:]
INSTANTS = [
    (number, instant)
    for number, document in enumerate(JOBS)
    for instant in sorted({document["CreationTime"], *(t["StartTime"] for t in document["SecondaryStatusTransitions"])})
]


@settings(max_examples=8, deadline=None)
@given(
    looks=st.lists(st.sampled_from(INSTANTS), max_size=12),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(0, 16), max_size=2),
)
def test_in_whatever_order_versions_arrive_the_newest_is_held(tmp_path_factory, looks, order, cuts):
    home = Home(tmp_path_factory.mktemp("home"))
    versions = [(instant, rewind(JOBS[number], instant)) for number, instant in looks]
    versions += [(final_instant(document), document) for document in JOBS]
    arriving = [Observation(instant, json.dumps(version).encode()) for instant, version in versions if version]
    order.shuffle(arriving)
    bounds = [0, *sorted(cuts), len(arriving)]
    for first, last in itertools.pairwise(bounds):
        RawArchive(home.raw).append(SOURCE, arriving[first:last])
        load(home)
    found = {
        row["training_job_arn"]: (row["last_modified_time"].replace(tzinfo=UTC), row["secondary_status"])
        for row in lake(home)["training_jobs"]
    }
    assert found == {
        document["TrainingJobArn"]: (
            datetime.fromtimestamp(document["LastModifiedTime"], UTC),
            document["SecondaryStatus"],
        )
        for document in JOBS
    }
