"""Faults of the service, in any mix, cost calls and change nothing; what the user can mend is one line, soon."""

import math
import os
import shutil
import socket
import time
from dataclasses import replace

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.config import Settings, SourceSettings
from pipelines.errors import TrainyardError
from pipelines.harvest import calls, intake, listing, search
from pipelines.harvest.archive import last_looks
from pipelines.harvest.harvest import harvest
from pipelines.harvest.outcome import HARVEST, kept_outcomes
from pipelines.home import Home
from pipelines.simulator import Fault, Fleet, Simulator
from tests.harvest.passes import described, held, new_pass, pass_by, run_pass, searched
from tests.main_job import CREDENTIALS, forget_settings, trainyard
from tests.simulator.clients import client
from tests.simulator.made import T0, job

MIX = [
    Fault(kind="throttle", probability=0.2),
    Fault(kind="server-error", probability=0.1),
    Fault(kind="drop", probability=0.05),
    Fault(kind="truncate", probability=0.05),
    Fault(kind="short-body", probability=0.05),
    Fault(kind="no-results", probability=0.05),
    Fault(kind="slow", probability=0.1, seconds=2, count=2),
]
ROLE = {"role_arn": "arn:aws:iam::111122223333:role/trainyard", "regions": ("eu-west-1",)}
MOST_CALLS_FACTOR = 2.5  # of such a mix: half of the calls come to nothing


@pytest.fixture
def no_pauses(monkeypatch):
    """Pauses between attempts pass at once, for there are too many to wait for; gives the list of them."""
    pauses, monotonic = [], time.monotonic
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + sum(pauses))
    return pauses


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    monkeypatch.setattr(search, "QUERY_JOBS", 200)
    monkeypatch.setattr(intake, "BATCH_DOCUMENTS", 50)
    monkeypatch.setattr(listing, "PAGE_JOBS", 10)


def fleet(count, **members):
    return Fleet(job(f"job-{n:04}", T0 + 100 * n, Tags=[], **members) for n in range(count))


@pytest.mark.parametrize("kind", ["throttle", "server-error", "drop", "truncate", "short-body", "no-results", "mix"])
def test_faults_cost_calls_and_nothing_else(small, no_pauses, home, kind):
    jobs = fleet(2000)
    with Simulator(jobs) as simulator:
        for fault in MIX if kind == "mix" else [Fault(kind=kind, probability=0.3)]:
            simulator.inject(fault)
        done = run_pass(simulator, home)
        assert held(home) == searched(jobs.documents)
        assert done.documents == 2000
        assert 210 * 1.2 < done.calls < 210 * MOST_CALLS_FACTOR
        assert done.calls == simulator.calls["Search"]


KINDS = ("throttle", "server-error", "drop", "truncate", "short-body", "no-results", "empty-page", "expired-token")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(KINDS), st.floats(0.05, 0.3), min_size=2))
def test_no_mix_of_faults_changes_what_is_held(small, no_pauses, tmp_path_factory, probabilities):
    """And of the calls that come through there are no more than twice as many as without faults."""
    home, jobs = Home(tmp_path_factory.mktemp("home")), fleet(300)
    with Simulator(jobs) as simulator:
        for kind, probability in probabilities.items():
            simulator.inject(Fault(kind=kind, probability=probability))
        done = run_pass(simulator, home)
    assert held(home) == searched(jobs.documents)
    come_through = math.prod(1 - probability for probability in probabilities.values())
    assert done.calls <= 2 * 34 / come_through


def test_descriptions_that_fail_are_asked_for_again_or_fail_the_pass(small, no_pauses, home):
    jobs = fleet(20)
    fault = Fault(kind="server-error", operation="DescribeTrainingJob", count=2)
    with Simulator(jobs) as simulator:
        simulator.inject(replace(fault, count=None))
        with pytest.raises(ClientError, match="InternalFailure"):
            run_pass(simulator, home, attempts=1, describe="always")
        assert last_looks(home.root) == {}
        simulator.clear_faults()
        simulator.inject(fault)
        done = run_pass(simulator, home, attempts=1, describe="always")
        assert done.warnings == ()
    assert held(home) == described(jobs.documents)


def test_faults_while_jobs_are_listed_and_asked_about(small, no_pauses, home):
    jobs = fleet(200)
    with Simulator(jobs) as simulator:
        simulator.inject(Fault(kind="access-denied", operation="Search"))
        for fault in MIX:
            simulator.inject(fault)
        done = run_pass(simulator, home)
        assert held(home) == described(jobs.documents)
        assert done.calls < 421 * MOST_CALLS_FACTOR


def test_latency_is_waited_for(home):
    jobs = fleet(150)
    with Simulator(jobs) as simulator:
        simulator.inject(Fault(kind="slow", seconds=2, count=1))
        run_pass(simulator, home)
    assert held(home) == searched(jobs.documents)


@pytest.mark.parametrize("kind", ["throttle", "drop", "truncate"])
def test_a_fault_without_end_is_given_up_and_what_came_before_is_kept(small, no_pauses, monkeypatch, home, kind):
    monkeypatch.setattr(calls, "PATIENCE_SECONDS", 20)
    jobs = fleet(100)
    with Simulator(jobs) as simulator:
        simulator.inject(Fault(kind=kind, after=5))
        broken = new_pass(simulator, home, attempts=3)
        with pytest.raises((ClientError, BotoCoreError, TrainyardError)):
            broken.run()
        assert broken.documents == len(held(home)) == 40  # a look, and four pages
        assert len(no_pauses) < 30
        simulator.clear_faults()
        rest = run_pass(simulator, home)
        assert rest.documents == 60
    assert held(home) == searched(jobs.documents)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Nothing of the surrounding settings; a region and made-up keys."""
    forget_settings(monkeypatch)
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    for name, value in {**CREDENTIALS, **nowhere, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def black_hole():
    """The address of a socket that lets nobody in: its queue is full, and what comes is not answered."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        waiting = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(hole.getsockname())
            waiting.append(caller)
        yield f"http://127.0.0.1:{hole.getsockname()[1]}"
        for caller in waiting:
            caller.close()


def only_error(home, **source):
    """The one line of a harvest of one source that fails within 10 seconds."""
    started = time.monotonic()
    (outcome,) = harvest(Settings(home=home.root, sources=(SourceSettings(**source),)))
    assert time.monotonic() - started < 10
    assert outcome.error
    assert "\n" not in outcome.error
    assert not list(home.root.rglob("*.zst"))
    return outcome.error


def test_a_black_hole_is_given_up_soon(environment, black_hole, home):
    environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER", black_hole)
    assert "check the network" in only_error(home)


def test_a_black_hole_in_place_of_sts_is_given_up_soon(environment, black_hole, home):
    environment.setenv("AWS_ENDPOINT_URL", black_hole)
    assert "check the network" in only_error(home)
    assert "check the network" in only_error(home, **ROLE)


@pytest.mark.parametrize("kind", ["server-error", "drop", "truncate", "throttle"])
@pytest.mark.parametrize(("operation", "source"), [("GetCallerIdentity", {}), ("AssumeRole", ROLE)])
def test_sts_that_only_fails_is_given_up_soon(environment, home, operation, source, kind):
    with Simulator(fleet(3)) as simulator:
        environment.setenv("AWS_ENDPOINT_URL", simulator.url)
        simulator.inject(Fault(kind=kind, operation=operation))
        assert only_error(home, **source)
        assert 1 < simulator.calls[operation] < 10


@pytest.mark.parametrize("kind", ["server-error", "drop", "truncate", "throttle"])
@pytest.mark.parametrize("source", [{}, ROLE])
def test_a_failure_of_sts_that_passes_is_no_harm(environment, home, source, kind):
    with Simulator(fleet(3)) as simulator:
        environment.setenv("AWS_ENDPOINT_URL", simulator.url)
        simulator.inject(Fault(kind=kind, count=1))
        (outcome,) = harvest(Settings(home=home.root, sources=(SourceSettings(**source),)))
    assert (outcome.error, outcome.documents) == (None, 3)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_ENDPOINT_URL_SAGEMAKER": "nonsense"}, "Invalid endpoint: nonsense: correct AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL_STS": "nonsense"}, "Invalid endpoint: nonsense: correct AWS_ENDPOINT_URL"),
        ({"AWS_REGION": "no where"}, "'no where' doesn't match a supported format"),
        ({"AWS_CONFIG_FILE": __file__}, f"Unable to parse config file: {__file__}"),
    ],
)
def test_what_is_wrong_in_the_settings_of_aws_is_one_line(environment, home, variables, said):
    for name, value in variables.items():
        environment.setenv(name, value)
    assert said in only_error(home)


def test_a_profile_that_is_not_there_is_one_line_of_the_command(home, models):
    failed = trainyard("run", home=home.root, check=False, models=models, AWS_PROFILE="nobody")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1), failed.stderr
    assert "correct the profile in trainyard.toml or AWS_PROFILE" in failed.stderr


def test_a_refused_connection_is_given_up_soon(environment, home):
    environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://127.0.0.1:9")
    assert "check the network" in only_error(home)


def test_a_region_that_is_none_is_given_up_soon(environment, home):
    environment.setenv("AWS_REGION", "eu-nowhere-9")
    environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://api.sagemaker.eu-nowhere-9.invalid")
    assert "the region" in only_error(home)


def test_no_credentials_and_a_metadata_service_that_does_not_answer(environment, black_hole, home):
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    environment.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", black_hole)
    environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://127.0.0.1:9")
    assert "sign in to AWS" in only_error(home)


@pytest.fixture(scope="module")
def published(models, tmp_path_factory):
    """A data directory in which all was done once."""
    root = tmp_path_factory.mktemp("published") / "home"
    with Simulator(fleet(20)) as simulator:
        surroundings = CREDENTIALS | {"AWS_ENDPOINT_URL_SAGEMAKER": simulator.url, "AWS_REGION": "us-east-1"}
        trainyard("run", home=root, models=models, **surroundings)
    return root


@pytest.mark.parametrize(
    ("environment", "remedy"),
    [
        ({"AWS_ENDPOINT_URL_SAGEMAKER": "denied"}, "allow sagemaker:Search in IAM"),
        ({"AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9"}, "check the network"),
        ({"AWS_ENDPOINT_URL_SAGEMAKER": "black hole"}, "check the network"),
        (
            {
                "AWS_REGION": "eu-nowhere-9",
                "AWS_ENDPOINT_URL_SAGEMAKER": "http://api.sagemaker.eu-nowhere-9.invalid",
            },
            "the region",
        ),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "black hole"}, "sign in to AWS"),
    ],
    ids=["access denied", "no network", "no answer", "wrong region", "no credentials"],
)
def test_what_the_user_can_mend_is_one_line_of_the_command_and_changes_nothing(
    published, models, black_hole, home, environment, remedy
):
    shutil.copytree(published, home.root)
    before = bytes_of(home)
    with Simulator(fleet(20)) as denied:
        denied.inject(Fault(kind="access-denied"))
        places = {"denied": denied.url, "black hole": black_hole}
        usual = {**CREDENTIALS, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9"}
        given = {name: places.get(value, value) for name, value in (usual | environment).items() if value is not None}
        failed = trainyard("run", home=home.root, check=False, models=models, **given)
    assert failed.returncode == 1
    (error,) = failed.stderr.strip().splitlines()
    assert remedy in error
    (source,) = kept_outcomes(home.root, HARVEST).outcomes
    assert source.seconds < 10
    assert bytes_of(home) == before


def bytes_of(home):
    """The content of each file, less the notes of who writes and of the last outcome (see `trainyard status`)."""
    notes = {".lock", ".writer.json", "outcomes"}
    files = {path.relative_to(home.root): path for path in home.root.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in files.items() if name.parts[0] not in notes}


def test_an_answer_that_is_no_page_is_an_error_in_one_line(home):
    with Simulator(fleet(3)) as simulator:
        sagemaker = client(simulator)
        sagemaker.meta.events.register_first(
            "before-parse.sagemaker", lambda response_dict, **_: response_dict.update(body=b'{"Results": 7}')
        )
        with pytest.raises(TrainyardError, match="Search gives what is no page"):
            pass_by(calls.Calls(sagemaker), home).run()


def test_a_role_whose_credentials_expire_is_taken_anew(environment, home):
    jobs = fleet(20)
    with Simulator(jobs) as simulator:
        environment.setenv("AWS_ENDPOINT_URL", simulator.url)
        simulator.inject(Fault(kind="expired-credentials", operation="Search", count=1))
        sources = (SourceSettings(**ROLE),)
        (outcome,) = harvest(Settings(home=home.root, sources=sources, describe="always"))
        assert outcome.error is None
        assert simulator.calls == {"AssumeRole": 2, "Search": 2, "DescribeTrainingJob": 20}
    assert held(home) == described(jobs.documents)
