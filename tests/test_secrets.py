"""No secret is ever on disk: planted ones, in every place they come from, are in no file after the main job."""

import json

import duckdb
import msgspec
import pyarrow as pa
import pytest

from pipelines.home import Home
from pipelines.lake.quarantine import Quarantine
from pipelines.simulator import Fleet, Simulator
from tests.main_job import CREDENTIALS, lake, published, trainyard
from tests.records import ARN

SECRET = "planted-secret"  # in every value that must go
KEY_ID = "AKIAPLANTEDSECRET123"  # goes by its shape alone
TIME = 1_750_000_000

HYPER_PARAMETERS = {
    "epochs": "3",
    "api_key": f"{SECRET}-1",
    "config": json.dumps({"optimizer": "adam", "login": {"password": f"{SECRET}-2"}}),
    "environment": json.dumps(json.dumps({"token": f"{SECRET}-3"})),
    "arguments": f"--lr 0.1 password={SECRET}-4",
    "settings": json.dumps([{"Name": "DB_PASSWORD", "Value": f"{SECRET}-5"}]),
}
ENVIRONMENT = {
    "STAGE": "rehearsal",
    "WANDB_API_KEY": f"{SECRET}-6",
    "PROJECT_CODE": f"{SECRET}-7",  # secret by the settings
    "HARMLESS": KEY_ID,
    "URL": f"postgres://user:{SECRET}-8@host/db",
}


DETAIL = {"CreationTime": TIME * 1000, "LastModifiedTime": TIME * 1000}


def job(name, **members):
    times = {"CreationTime": TIME, "LastModifiedTime": TIME}
    users = {"HyperParameters": HYPER_PARAMETERS, "Environment": ENVIRONMENT}
    return {"TrainingJobArn": ARN + name, "TrainingJobName": name} | times | users | members


def text(document):
    return msgspec.json.encode(document)


BROKEN = {
    "not a number": job("a", FinalMetricDataList=[{"Value": msgspec.Raw(b"NaN")}]),
    "not UTF-8": job("b", FailureReason=msgspec.Raw(b'"\xff"')),
    "no map": job("c", Environment=[ENVIRONMENT], HyperParameters=f"password={SECRET}-9"),
    "no text": job("d", HyperParameters={"password": {"is": f"{SECRET}-10"}, "api_key": [f"{SECRET}-11"]}),
    "out of range": job("e", Environment=msgspec.Raw(b'{"STAGE":1e999,"PASSWORD":"%s-12"}' % SECRET.encode())),
    "nested": job("f", NewMember=msgspec.Raw(b"[" * 500 + b"]" * 500)),
    "no time": job("g", CreationTime="soon"),
    "no job": {"Input": job("h")},
}
CUTS = range(1, len(text(job("k"))), 7)
IMPORTED = {
    "jobs.ndjson": text(job("i")),
    "event.json": text({"detail-type": "SageMaker Training Job State Change", "detail": job("j", **DETAIL)}),
    "broken.ndjson": b"\n".join(map(text, BROKEN.values())),
    "cut.ndjson": b"\n".join(text(job("k"))[:-cut] for cut in CUTS),
    "tails.ndjson": b"\n".join([text(job("l")), *(text(job("l"))[cut:] for cut in CUTS)]),
    "page.json": text({"Results": [{"TrainingJob": document} for document in BROKEN.values()]})[:-4],
    "twice.json": text(job("m")).replace(b'"STAGE"', b'"PASSWORD":"%s-13","PASSWORD":"","STAGE"' % SECRET.encode()),
    "command.json": text(
        job("o", FailureReason=f'ErrorMessage "exit code 1" Command "python train.py --api_key {SECRET}-14 --epochs 3"')
    ),
    "commands.json": text(
        job(
            "p",
            AlgorithmSpecification={"ContainerArguments": ["--lr", "0.1", "--db-password", f"{SECRET}-15"]},
            FailureReason=f"CalledProcessError: Command '['train.py', '--hf_token', '{SECRET}-16']' returned 1",
            SecondaryStatusTransitions=[
                {"Status": "Failed", "StartTime": TIME, "StatusMessage": f"--auth-token={SECRET}-17 --tokenizer t5"}
            ],
        )
    ),
    "member-twice.json": text(job("n"))[:-1] + b',"Environment":{}}',
}  # fmt: skip


def contents(path):
    """What a file says, as text, however it is stored."""
    if path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield stream.read().decode(errors="backslashreplace")
    elif path.suffix == ".parquet":
        yield repr(duckdb.sql(f"from '{path}'").fetchall())
    elif path.suffix == ".duckdb":
        yield repr([published(path, schema) for schema in ("marts", "lake", "reference")])
    yield path.read_bytes().decode(errors="backslashreplace")


@pytest.fixture(scope="module")
def root(models, tmp_path_factory):
    """The folder below which everything is that a full run wrote: an import, a harvest, and Dagster's own storage."""
    root = tmp_path_factory.mktemp("root")
    files = tmp_path_factory.mktemp("files")
    for name, content in IMPORTED.items():
        (files / name).write_bytes(content)
    (root / "dagster").mkdir()
    fleet = Fleet([job(f"sound-{n}") for n in range(20)] + [v for k, v in BROKEN.items() if k != "no job"])
    with Simulator(fleet) as simulator:
        run = {
            "home": root / "home",
            "AWS_ENDPOINT_URL": simulator.url,
            "AWS_REGION": "eu-west-1",
            "TRAINYARD_SECRET_KEYS": '["project_code"]',
            "DAGSTER_HOME": str(root / "dagster"),
            **CREDENTIALS,
        }
        said = [trainyard("import", *(str(files / name) for name in IMPORTED), **run)]
        said += [trainyard(command, models=models, **run) for command in ("run", "rebuild")]
        said += [trainyard("status", **run)]
    (root / "output").write_text("".join(process.stdout + process.stderr for process in said))
    return root


def test_no_file_has_a_planted_secret(root):
    looked_at = set()
    for path in root.rglob("*"):
        if path.is_file():
            looked_at.add(path.suffix)
            for content in contents(path):
                for planted in (SECRET, KEY_ID):
                    assert planted not in content, path
    assert looked_at >= {".zst", ".parquet", ".duckdb", ".ndjson", ".db"}
    given = b"".join(IMPORTED.values()).decode(errors="backslashreplace")
    assert all(f"{SECRET}-{number}" in given for number in range(1, 18))


def test_what_is_no_secret_is_kept(root):
    tables = lake(Home(root / "home"))
    names = {row["training_job_name"] for row in tables["training_jobs"]}
    assert names == {*(f"sound-{n}" for n in range(20)), "d", "i", "j", "l", "m", "n", "o", "p"}
    arn = ARN + "i"
    environment = {row["key"]: row["value"] for row in tables["environment"] if row["training_job_arn"] == arn}
    assert environment == dict.fromkeys(ENVIRONMENT, "***") | {"STAGE": "rehearsal"}
    hyper_parameters = {
        row["key"]: row["value"] for row in tables["hyper_parameters"] if row["training_job_arn"] == arn
    }
    assert hyper_parameters == dict.fromkeys(HYPER_PARAMETERS, "***") | {"epochs": "3"}
    reasons = {row["training_job_name"]: row["failure_reason"] for row in tables["training_jobs"]}
    assert reasons["o"] == 'ErrorMessage "exit code 1" Command "python train.py --api_key *** --epochs 3"'
    messages = {row["status_message"] for row in tables["secondary_status_transitions"]}
    assert messages == {"--auth-token=*** --tokenizer t5"}
    arguments = tables["algorithm_specification_container_arguments"]
    assert [row["value"] for row in arguments] == ["--lr", "0.1", "--db-password", "***"]


def test_the_quarantine_shows_cut_documents_without_what_users_passed(root):
    home = Home(root / "home")
    cut = [line.line for _, line in Quarantine(home.quarantine).lines() if "truncated" in line.reason]
    with_environment = [line for line in cut if "Environment" in line]
    assert len(with_environment) > 10
    assert all(ARN in line for line in with_environment)
    assert not any(ENVIRONMENT["STAGE"] in line for line in cut)
