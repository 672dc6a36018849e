"""No credential, token or signed URL is written or said, whatever call fails."""

import json

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from pipelines.harvest.outcome import explain
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests.main_job import trainyard

ROLE = "arn:aws:iam::111122223333:role/trainyard"
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE",
    "AWS_SECRET_ACCESS_KEY": "fakeSecretAccessKey/0123456789abcdefghij",
    "AWS_SESSION_TOKEN": "fakeSessionToken//////////0123456789",
}
EXTERNAL_ID = "fake-external-id"
# What STS gives the role, and what a signature or a signed URL begins with.
SIGNS = [*SECRETS.values(), EXTERNAL_ID, "ASIASIMULATED", "AWS4-HMAC-SHA256", "Signature=", "X-Amz-Security-Token"]


def test_what_aws_says_of_a_signature_is_not_repeated():
    canonical = f"The Canonical String should have been 'POST x-amz-security-token:{SECRETS['AWS_SESSION_TOKEN']}'"
    for code in ("SignatureDoesNotMatch", "InvalidSignatureException", "Other"):
        said = explain(ClientError({"Error": {"Code": code, "Message": canonical}}, "Search"))
        assert SECRETS["AWS_SESSION_TOKEN"] not in said
        assert code in said
        assert "Search" in said


def test_what_botocore_quotes_of_an_answer_is_not_repeated():
    quoting = ResponseParserError(f"Unable to parse response, invalid XML received: {SECRETS['AWS_SESSION_TOKEN']}")
    assert SECRETS["AWS_SESSION_TOKEN"] not in explain(quoting)


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Fleet(made_documents(seed=11, jobs=120, end=1_790_812_800))) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("AssumeRole", "access-denied"),
        ("GetCallerIdentity", "truncate"),  # botocore's error quotes what it could not parse
        ("GetCallerIdentity", "expired-credentials"),
        ("Search", "access-denied"),
        ("Search", None),
    ],
)
def test_they_are_nowhere(simulator, tmp_path, operation, kind):
    simulator.clear_faults()
    if kind:
        simulator.inject(Fault(kind=kind, operation=operation))
        # Jobs are listed where Search alone is denied.
        simulator.inject(Fault(kind=kind, operation="ListTrainingJobs"))
    sources = [{"regions": ["us-east-1"]}, {"role_arn": ROLE, "external_id": EXTERNAL_ID, "regions": ["us-west-2"]}]
    dagster = tmp_path / "dagster"
    dagster.mkdir()
    run = trainyard(
        "run",
        home=tmp_path / "home",
        check=False,
        AWS_ENDPOINT_URL=simulator.url,
        TRAINYARD_SOURCES=json.dumps(sources),
        DAGSTER_HOME=str(dagster),
        **SECRETS,
    )
    assert run.returncode == (1 if kind else 0), run.stderr
    written = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any("dagster" in path for path in written)
    said = {"stdout": run.stdout.encode(), "stderr": run.stderr.encode()}
    found = {name: sign for name, content in (written | said).items() for sign in SIGNS if sign.encode() in content}
    assert found == {}
    assert "Traceback" not in run.stderr
