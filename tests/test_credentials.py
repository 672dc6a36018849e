"""No credential, token or signed URL is written or said, whatever call fails."""

import json

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from pipelines.harvest.outcome import explain
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests import few_models, main_job
from tests.crash.boundaries import forked
from tests.crash.commands import trainyard

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


def environment(simulator, folder):
    """Two sources, one of them by a role, and a storage of Dagster's in ``folder``."""
    sources = [{"regions": ["us-east-1"]}, {"role_arn": ROLE, "external_id": EXTERNAL_ID, "regions": ["us-west-2"]}]
    (folder / "dagster").mkdir()
    return {
        "AWS_ENDPOINT_URL": simulator.url,
        "TRAINYARD_SOURCES": json.dumps(sources),
        "DAGSTER_HOME": str(folder / "dagster"),
        **SECRETS,
    }


def look(folder, said):
    """See that no file below a folder has any of them, nor what was said."""
    written = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any("dagster" in path for path in written)
    found = {name: sign for name, content in (written | said).items() for sign in SIGNS if sign.encode() in content}
    assert found == {}


def test_they_are_nowhere_after_a_run(simulator, models, tmp_path):
    simulator.clear_faults()
    run = main_job.trainyard("run", home=tmp_path / "home", models=models, **environment(simulator, tmp_path))
    look(tmp_path, {"stdout": run.stdout.encode(), "stderr": run.stderr.encode()})


@pytest.mark.forks
@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("AssumeRole", "access-denied"),
        ("AssumeRole", "truncate"),  # botocore's error quotes what it could not parse
        ("GetCallerIdentity", "expired-credentials"),
        ("Search", "access-denied"),
    ],
)
def test_they_are_nowhere_after_a_call_that_fails(simulator, models, tmp_path, monkeypatch, operation, kind):
    simulator.clear_faults()
    simulator.inject(Fault(kind=kind, operation=operation))
    # Jobs are listed where Search alone is denied.
    simulator.inject(Fault(kind=kind, operation="ListTrainingJobs"))
    main_job.only_the_simulator(monkeypatch, **environment(simulator, tmp_path))
    few_models.use(monkeypatch.setattr, models)
    run = forked(trainyard("run"), tmp_path / "home")
    assert (run.signal, run.code) == (0, 1), run.output
    assert "Traceback" not in run.output
    look(tmp_path, {"output": run.output.encode()})
