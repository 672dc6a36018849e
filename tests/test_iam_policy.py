"""The IAM policy allows the calls that are really made, whichever way Trainyard goes, and no others."""

import json
from pathlib import Path

import pytest

from pipelines.cloudwatch.collect import collect
from pipelines.config import Settings, SourceSettings
from pipelines.fetched.fetch import fetch
from pipelines.harvest.due import Due, write_due
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.price_list import PRICE_LIST
from pipelines.reread import reread
from pipelines.service_quotas import SERVICE_QUOTAS
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.verify import verify
from tests.main_job import only_the_simulator
from tests.simulator.made import T0, job

POLICY = Path(__file__).parents[1] / "docs" / "iam-policy.json"
README = (Path(__file__).parents[1] / "README.md").read_text()
SERVICES = {
    "AssumeRole": "sts",
    "GetMetricData": "cloudwatch",
    "GetProducts": "pricing",
    "ListServiceQuotas": "servicequotas",
}
NEEDS_NO_PERMISSION = {"GetCallerIdentity"}

ROLE = SourceSettings(role_arn="arn:aws:iam::111122223333:role/trainyard", regions=("eu-west-1",))
WHOLE = job("whole", T0, Tags=[{"Key": "team", "Value": "vision"}])
WITH_GAPS = job("with-gaps", T0 + 10, SecondaryStatusTransitions=[])
DENIED = {
    operation: Fault(kind="access-denied", operation=operation) for operation in ("Search", "DescribeTrainingJob")
}
LATER = T0 + 7 * 24 * 3600


@pytest.fixture
def calls_of(monkeypatch, tmp_path):
    """Go a way in a data directory of its own, and give the operations that were called."""

    def calls_of(way):
        made = set()

        def do(action, jobs=(WHOLE, WITH_GAPS), denied=None, **settings):
            with Simulator(Fleet(jobs), now=LATER) as simulator:
                only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url, AWS_REGION="eu-west-1")
                if denied:
                    simulator.inject(Fault(kind="access-denied", operation=denied))
                outcomes = action(Settings(home=tmp_path / way.__name__, **settings))
            assert {outcome.error for outcome in outcomes} == {None}
            made.update(simulator.calls)

        way(do)
        return made

    return calls_of


def in_a_role(do):
    do(harvest, sources=(ROLE,))


def with_default_credentials(do):
    do(harvest)


def describing_every_job(do):
    do(harvest, describe="always")


def without_search(do):
    do(harvest, denied="Search")


def without_describe(do):
    do(harvest, denied="DescribeTrainingJob")


def verifying(do):
    do(harvest)
    do(verify_quietly, jobs=[WITH_GAPS])


def reading_again(do):
    do(harvest, jobs=[job("younger", T0 + 24 * 3600)])
    do(reread_one)


def measuring(do):
    do(harvest)
    do(load_and_collect, cloudwatch=True)


def load_and_collect(settings):
    home = Home(settings.home)
    load(home)
    with home.writing():
        return collect(settings)


def asking_for_prices_and_quotas(do):
    do(harvest)
    do(fetch_all)


def fetch_all(settings):
    load(Home(settings.home))
    return [*fetch(settings, PRICE_LIST), *fetch(settings, SERVICE_QUOTAS)]


def verify_quietly(settings):
    return [verification.outcome for verification in verify(settings)]


def reread_one(settings):
    write_due(settings.home, {WHOLE["TrainingJobArn"]: Due("whole", WHOLE["LastModifiedTime"])}, {})
    return reread(settings)


WAYS = [
    in_a_role,
    with_default_credentials,
    describing_every_job,
    without_search,
    without_describe,
    verifying,
    reading_again,
    measuring,
    asking_for_prices_and_quotas,
]


def actions(calls):
    """The permissions that calls need."""
    return {f"{SERVICES.get(call, 'sagemaker')}:{call}" for call in calls - NEEDS_NO_PERMISSION}


def allowed():
    statements = json.loads(POLICY.read_text())["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    return {statement["Action"] for statement in statements}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_call_is_allowed(way, calls_of):
    assert actions(calls_of(way)) <= allowed()


def test_every_allowed_call_is_made(calls_of):
    assert set.union(*(actions(calls_of(way)) for way in WAYS)) == allowed()


def test_the_readme_leads_to_the_policy():
    assert f"({POLICY.relative_to(POLICY.parents[1])})" in README
