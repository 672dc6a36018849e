"""Whatever is wrong with a document, it is in quarantine with path and reason, and the others get through."""

import os

import msgspec
import pytest
from rich.console import Console

from pipelines.config import Settings
from pipelines.harvest.archive import RawArchive
from pipelines.harvest.file_import import import_files
from pipelines.harvest.harvest import harvest
from pipelines.harvest.redact import Redactor
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.quarantine import Quarantine
from pipelines.simulator import Fleet, Simulator
from pipelines.status import read_status, show_status
from tests.main_job import CREDENTIALS, forget_settings, lake, published, trainyard
from tests.records import ARN

TIME = 1_750_000_000


def job(name, **members):
    return {"TrainingJobArn": ARN + name, "CreationTime": TIME, "LastModifiedTime": TIME} | members


def bad(**members):
    """A document with members given as the very text that stands in it."""
    return job("bad") | {name: msgspec.Raw(text.encode(errors="surrogateescape")) for name, text in members.items()}


def nested(depth):
    return "[" * depth + "]" * depth


ENDPOINT = "arn:aws:sagemaker:eu-west-1:012345678901:endpoint/a"
ELSEWHERE = "arn:aws:sagemaker:../..:012345678901:training-job/a"
BAD = {
    "NaN": (bad(FinalMetricDataList='[{"MetricName":"loss","Value":NaN}]'), "FinalMetricDataList[0].Value", "JSON"),
    "bad UTF-8": (bad(FailureReason='"caf\udce9"'), "FailureReason", "not UTF-8"),
    "a lone escape": (bad(FailureReason=r'"\x"'), "FailureReason", "escape"),
    "a control character": (bad(FailureReason='"a\x07b"'), "FailureReason", "invalid character"),
    "a line end in a string": (bad(FailureReason='"a\nb"'), "FailureReason", "invalid character"),
    "a NUL byte": (bad(FailureReason='"a\0b"'), "FailureReason", "invalid character"),
    "nested 1,000 deep": (bad(Environment=nested(1000)), "Environment[0]", "nested"),
    "nested 100,000 deep": (bad(NewMember=nested(100_000)), "NewMember[0]", "nested"),
    "nested objects": (bad(NewMember='{"a":' * 1000 + "1" + "}" * 1000), "NewMember.a", "nested"),
    "year 300000": (bad(TrainingEndTime="9404812800000"), "TrainingEndTime", "expected a time"),
    "created in the year 300000": (bad(CreationTime="9404812800000"), "CreationTime", "expected a time"),
    "year 300000 in ISO": (bad(TrainingEndTime='"300000-01-01T00:00:00Z"'), "TrainingEndTime", "expected a time"),
    "before the year 1": (bad(TrainingEndTime="-62135596801"), "TrainingEndTime", "expected a time"),
    "milliseconds among seconds": (bad(TrainingEndTime="1750000000000"), "TrainingEndTime", "in seconds"),
    "1e400 seconds": (bad(TrainingEndTime="1e400"), "TrainingEndTime", "expected a time"),
    "1e400": (bad(FinalMetricDataList='[{"Value":1e400}]'), "FinalMetricDataList[0].Value", "expected a number"),
    "1e400 in a new member": (bad(NewMember='{"a":[1e400]}'), "NewMember.a[0]", "out of range"),
    "2**70": (bad(BillableTimeInSeconds=str(2**70)), "BillableTimeInSeconds", "64 bits"),
    "5,000 digits": (bad(BillableTimeInSeconds="1" * 5000), "BillableTimeInSeconds", "64 bits"),
    "a fraction": (bad(BillableTimeInSeconds="1.5"), "BillableTimeInSeconds", "whole number"),
    "beyond what a double tells": (bad(BillableTimeInSeconds="9007199254740994.0"), "BillableTimeInSeconds", "whole"),
    "a boolean for a number": (bad(BillableTimeInSeconds="true"), "BillableTimeInSeconds", "whole number"),
    "a boolean for a time": (bad(TrainingEndTime="true"), "TrainingEndTime", "expected a time"),
    "a number for a boolean": (bad(EnableManagedSpotTraining="1"), "EnableManagedSpotTraining", "expected bool"),
    "a text for a number": (bad(BillableTimeInSeconds='"7"'), "BillableTimeInSeconds", "whole number"),
    "a number for a text": (bad(RoleArn="7"), "RoleArn", "expected str"),
    "a list for a map": (bad(HyperParameters='["a"]'), "HyperParameters", "expected dict"),
    "a map for a list": (bad(SecondaryStatusTransitions="{}"), "SecondaryStatusTransitions", "expected list"),
    "null in a list": (bad(InputDataConfig="[null]"), "InputDataConfig[0]", "expected dict"),
    "no ARN": ({"TrainingJobName": "bad", "CreationTime": TIME}, "TrainingJobArn", "absent"),
    "an ARN that is null": (bad(TrainingJobArn="null"), "TrainingJobArn", "absent"),
    "the ARN of another": (bad(TrainingJobArn=f'"{ENDPOINT}"'), "TrainingJobArn", "ARN"),
    "an ARN of no account": (bad(TrainingJobArn=f'"{ARN.replace("0", "x")}a"'), "TrainingJobArn", "ARN"),
    "an ARN that leads elsewhere": (bad(TrainingJobArn=f'"{ELSEWHERE}"'), "TrainingJobArn", "ARN"),
    "no CreationTime": ({"TrainingJobArn": ARN + "bad"}, "CreationTime", "absent"),
    "50 MB": (bad(FailureReason='"%s"' % ("x" * 50_000_000)), "", "bytes: more than"),
}  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def imported(home, content, name="file.json"):
    path = home.root.parent / name
    path.write_bytes(content)
    outcome = import_files(RawArchive(home.raw), [path], Redactor())
    assert outcome.error is None
    load(home)
    return [(each.path, each.reason) for _, each in Quarantine(home.quarantine).lines()]


def arns(home):
    return {row["training_job_arn"].removeprefix(ARN) for row in lake(home)["training_jobs"]}


def encoded(document):
    """As one line, for a file of lines."""
    return msgspec.json.encode(document).replace(b"\n", b"\x01")


def assert_each_has_its_reason(found):
    assert len(found) == len(BAD)
    for (name, (_, path, reason)), (found_path, found_reason) in zip(BAD.items(), found, strict=True):
        assert found_path.startswith(path), name
        assert found_path or not path, name
        assert reason in found_reason, name


def test_bad_lines_of_a_file(home):
    lines = [line for document, _, _ in BAD.values() for line in (encoded(document), encoded(job("a")))]
    assert_each_has_its_reason(imported(home, b"\n".join([*lines, encoded(job("b"))])))
    assert arns(home) == {"a", "b"}


@pytest.mark.parametrize("separator", [b"", b"\r\n  "])
def test_bad_results_of_a_page_in_a_file(home, separator):
    documents = [job("a"), *(document for document, _, _ in BAD.values()), job("b")]
    results = b",".join(b'%s{"TrainingJob": %s}' % (separator, msgspec.json.encode(each)) for each in documents)
    assert_each_has_its_reason(imported(home, b'{"Results": [%s]}' % results))
    assert arns(home) == {"a", "b"}


def test_bad_results_of_the_service(home, monkeypatch):
    forget_settings(monkeypatch)
    served = [
        document | ({"TrainingJobArn": f"{ARN}{number}"} if document.get("TrainingJobArn") == ARN + "bad" else {})
        for number, (document, _, _) in enumerate(BAD.values())
    ]
    sound = [job(f"sound-{number}") for number in range(150)]
    with Simulator(Fleet([*served, *sound])) as simulator:
        for name, value in {**CREDENTIALS, "AWS_CONFIG_FILE": os.devnull, "AWS_REGION": "eu-west-1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", simulator.url)
        (outcome,) = harvest(Settings(home=home.root))
        assert (outcome.error, outcome.documents) == (None, len(served) + len(sound))
        (again,) = harvest(Settings(home=home.root))
        assert (again.error, again.documents) == (None, 0)
    load(home)
    assert arns(home) == {document["TrainingJobArn"].removeprefix(ARN) for document in sound}
    found = [(each.path, each.reason) for _, each in Quarantine(home.quarantine).lines()]
    assert sorted(path.split(".")[0].split("[")[0] for path, _ in found) == sorted(
        path.split(".")[0].split("[")[0] for _, path, _ in BAD.values()
    )
    console = Console(record=True, width=200)
    show_status(read_status(home), console)
    assert f"quarantine: {len(BAD)} documents" in console.export_text()


def test_the_command_says_what_is_wrong(models, tmp_path):
    home = tmp_path / "home"
    file = tmp_path / "file.ndjson"
    strange = job("strange", TrainingJobName="x" * 64, SecondaryStatus="Verifying")
    file.write_bytes(b"\n".join(map(encoded, (strange, BAD["NaN"][0], BAD["year 300000"][0]))))
    trainyard("import", str(file), home=home)
    built = trainyard("run", "--no-harvest", home=home, models=models)
    warnings = {line for line in built.stderr.splitlines() if line.startswith("trainyard: warning: ")}
    assert len(warnings) == 2
    for said in (
        "check no_document_in_quarantine failed: ",
        "check no_broken_constraint failed: ",
        "FinalMetricDataList[0].Value: not JSON at byte",
        "TrainingEndTime: expected a time in seconds up to the year 9999, got 9404812800000: 1",
        f"TrainingJobName is longer than 63: '{'x' * 60}': 1",
        "SecondaryStatus is not one of the values: 'Verifying': 1",
    ):
        assert any(said in line for line in warnings), said
    (row,) = published(home / "warehouse.duckdb", "lake")["training_jobs"]
    assert row["training_job_name"] == "x" * 64
    status = trainyard("status", home=home).stdout
    assert "quarantine: 2 documents" in status
    assert "TrainingEndTime: expected a time" in status
