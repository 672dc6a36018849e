"""Values of documents are only ever values: no path, no SQL, nothing that a terminal or a page would obey."""

import json
import re

import pytest

from pipelines.assets.metadata import preview
from pipelines.home import Home
from pipelines.lake.quarantine import Quarantine
from pipelines.simulator import Fleet, Simulator
from pipelines.terminal import printable
from tests.main_job import CREDENTIALS, lake, published, trainyard

ARN = "arn:aws:sagemaker:us-east-1:111122223333:training-job/"
HOSTILE = [
    "'; drop table lake.training_jobs; --",
    '"quoted"',
    "../../../../tmp/x",
    "/etc/passwd",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\u202egnp.exe",
    "[/bold]",
    "[link=file:///etc/passwd]x",
    "two\nlines\r",
    "nul\x00",
    "{a}$1%s",
    "month=2020-01/../..",
    "x" * 5000,
]
# Regions and accounts become folders.
PLACES = [
    "us-east-1/../../..:111122223333",
    "..:111122223333",
    "us-east-1\n:111122223333",
    "US'EAST:111122223333",
    f"{'a' * 300}:111122223333",
    "us-east-1:../../../../x",
    "us-east-1:١١١١٢٢٢٢٣٣٣٣",
    "us-east-1:11112222333/",
]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def job(arn, hostile="x"):
    return {
        "TrainingJobName": hostile,
        "TrainingJobArn": arn,
        "TrainingJobStatus": hostile,
        "SecondaryStatus": hostile,
        "FailureReason": hostile,
        "CreationTime": 1_790_000_000.0,
        "LastModifiedTime": 1_790_000_100.0,
        "ResourceConfig": {"InstanceType": hostile, "InstanceCount": 1, "VolumeSizeInGB": 1},
        "SecondaryStatusTransitions": [{"Status": hostile, "StartTime": 1_790_000_000.0, "StatusMessage": hostile}],
        "Tags": [{"Key": hostile, "Value": hostile}],
        "HyperParameters": {hostile: hostile},
    }


GOOD = [job(f"{ARN}{number}", hostile) for number, hostile in enumerate(HOSTILE)]
NAMED = [job(ARN + hostile) for hostile in HOSTILE]
UNMODELLED = [job(f"{ARN}u{number}") | {hostile: 1} for number, hostile in enumerate(HOSTILE)]
MISPLACED = [job(f"arn:aws:sagemaker:{place}:training-job/p{number}") for number, place in enumerate(PLACES)]
UNREADABLE = [job(f"{ARN}r{number}") | {"HyperParameters": {hostile: []}} for number, hostile in enumerate(HOSTILE)]


@pytest.fixture(scope="module", params=["import", "harvest"])
def ran(request, models, tmp_path_factory):
    """A data directory of hostile documents, and what its run printed; all models are run on what was imported."""
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    documents = [*GOOD, *NAMED, *UNMODELLED, *MISPLACED, *UNREADABLE]
    if request.param == "import":
        file = home.root.parent / "jobs.ndjson"
        file.write_text("".join(json.dumps(document) + "\n" for document in documents))
        trainyard("import", str(file), home=home.root)
        file.unlink()
        run = trainyard("run", "--no-harvest", home=home.root, check=False)
    else:
        with Simulator(Fleet(documents)) as simulator:
            environment = CREDENTIALS | {"AWS_ENDPOINT_URL": simulator.url, "AWS_REGION": "us-east-1"}
            run = trainyard("run", home=home.root, check=False, models=models, **environment)
    assert run.returncode == 0, run.stderr
    return home, run


def test_values_are_kept_as_they_are(ran):
    home, _ = ran
    tables = lake(home)
    held = {row["training_job_arn"]: row for row in tables["training_jobs"]}
    for document in GOOD:
        row = held[document["TrainingJobArn"]]
        assert row["training_job_status"] == row["failure_reason"] == document["TrainingJobStatus"]
    assert held.keys() >= {document["TrainingJobArn"] for document in NAMED}
    assert {row["key"] for row in tables["tags"]} >= set(HOSTILE)
    marts = published(home.warehouse)
    if "fct_training_jobs" in marts:
        assert {row["training_job_status"] for row in marts["fct_training_jobs"]} == {*HOSTILE, "x"}
    else:
        assert {row["status"] for row in marts["jobs"]} == {*HOSTILE, "x"}


def test_no_value_is_a_path(ran):
    home, _ = ran
    assert list(home.root.parent.iterdir()) == [home.root]
    names = {part for path in home.root.rglob("*") for part in path.relative_to(home.root).parts}
    assert {name for name in names if not re.fullmatch(r"[\w.=-]{1,120}", name, re.ASCII)} == set()
    folders = {path.name for path in home.lake.glob("training_jobs/*")} | {
        path.name for path in home.lake.glob("training_jobs/*/*")
    }
    assert folders == {"account_id=111122223333", "region=us-east-1"}


def test_what_cannot_be_placed_or_read_is_in_quarantine(ran):
    home, _ = ran
    paths = [line.path for _, line in Quarantine(home.quarantine).lines()]
    assert paths.count("TrainingJobArn") == len(PLACES)
    assert any("\x1b[31mred" in path for path in paths)


def test_a_terminal_is_told_nothing(ran):
    home, run = ran
    query = "select training_job_arn, training_job_status, failure_reason from lake.training_jobs"
    shown = [
        run.stdout,
        run.stderr,
        trainyard("status", home=home.root).stdout,
        trainyard("query", query, home=home.root).stdout,
        trainyard("query", 'select 1 as "\x1b[2J[/b]"', home=home.root).stdout,
        trainyard("query", "select error('\x1b[2J')", home=home.root, check=False).stderr,
    ]
    assert [CONTROL.findall(text) for text in shown] == [[]] * len(shown)
    answer = shown[3]
    assert r"\x1b[31mred\x1b[0m" in answer
    assert r"two\nlines\r" in answer
    assert "[/bold]" in answer


def test_what_is_not_printable_is_shown_as_an_escape():
    assert printable("plain é 日本 ─") == "plain é 日本 ─"
    assert printable("\x1b[1m\n\x9b\u202e") == r"\x1b[1m\n\x9b\u202e"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("a|b\\|c", r"a\|b\\\|c"),
        ("`x` **y**\x1b[1m", r"\`x\` \*\*y\*\*\\x1b\[1m"),
        (1.5, "1.5"),
    ],
)
def test_a_preview_of_rows_is_text_and_no_markup(value, cell):
    assert preview(["a"], [[value]]).value == f"| a |\n| --- |\n| {cell} |"
