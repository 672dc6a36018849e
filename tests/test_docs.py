"""What the documentation shows works as it stands: SQL answers, and commands show what a user is to see.

Here: blocks of code are run, and which are not is said with the reason. Not here: what the README promises to list
(``test_readme``), and the pages that are made of `sql/` (``test_metrics``).
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import typer

from pipelines.cli import app
from pipelines.config import Settings
from pipelines.doctor import Finding, Level
from pipelines.harvest.archive import last_looks
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load, reload
from pipelines.query import Format, write_answer
from pipelines.shipped import shipped
from pipelines.simulator import Fleet, Simulator
from pipelines.status import LastTime, read_status
from tests import few_models
from tests.main_job import lake, no_settings, only_the_simulator
from tests.pages import BLOCK, PAGES, ROOT, block, blocks
from tests.records import marked
from tests.shell import arguments_after, named, parse
from tests.simulator.made import T0, job

EXAMPLES = "\n".join(path.read_text() for path in shipped("sql").glob("examples/*.sql"))
HARVESTED = "\nok       111122223333-eu-west-1: may be harvested\n"
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

# Blocks are named by their page and words that no other block of it has.
# What is run as it stands, and the beginnings of lines that its user is to see, in order.
SHOWN = {
    ("README", "marts.secondary_status_time"): [" +secondary_status +phase", " +Training "],
    ("first-hour", "failure_rate_low"): [" +submitted_jobs +failure_rate ", r" +3000 +0\.1[45]"],
    ("first-hour", "top_failures.sql"): [" +failure_class"],
    ("first-hour", "waits_by_instance_type.sql"): [" +instance_type"],
    ("first-hour", "AWS_ENDPOINT_URL_SAGEMAKER="): [
        r"ok +127\.0\.0\.1-\d+: may be harvested",
        r"warning +127\.0\.0\.1-\d+: this machine's clock is [\d,]+ days ahead",
        " +3 +0 +2023-11-14 22:14:30 +0 *$",
        "published trainyard-data-simulated/warehouse.duckdb",
        r" +127\.0\.0\.1-\d+ +2023-11-14 22:14:30 UTC +2023-11-14 22:14:30 UTC",
        "last harvest: .*, every source succeeded",
    ],
}
# What has a test of its own, and in which file.
RUN_BY = {
    ("configuration", "trainyard init"): "test_docs.py",
    ("connecting", "bi.superset.build"): "test_docs.py",
    ("connecting", "sa.create_engine"): "clients/test_clients.py",
    ("connecting", "create role trainyard"): "test_postgres.py",
    ("connecting", "adbc_driver_manager"): "test_docs.py",
    ("first-hour", "TRAINYARD_HOME=trainyard-data-mine"): "test_docs.py",
    ("lossless", "rebuild_document"): "test_docs.py",
    ("operating", "tar -czf"): "test_docs.py",
    ("operating", "tar -xzf"): "test_docs.py",
    ("operating", "jq -e"): "test_docs.py",
    ("scaling", "start_query_execution"): "hive/test_ddl.py",
}
# What is not run, for what it does to a machine or needs of it. Its commands and targets are seen to be there.
NOT_RUN = {
    ("README", "make demo"): "installs from the network, then runs these tests",
    ("README", "AWS_PROFILE=ml-readonly"): "a run as in the first hour, with the settings of its last block",
    ("README", "make ui"): "serves until it is ended",
    ("connecting", "publish postgres"): "a server of another's: `test_postgres` publishes to one of its own",
    ("contributing", "make lint"): "installs from the network, then runs these tests",
    ("first-hour", "make demo"): "installs from the network",
    ("first-hour", "--port 8900"): "serves until it is ended: `test_command` serves at another port",
    ("first-hour", "make ui"): "serves until it is ended",
    (
        "operating",
        "cd /opt/trainyard",
    ): "for a scheduler, in a folder of the system: `test_faults` and `test_verify` run both",
    ("operating", "git pull"): "changes the checkout, and installs from the network",
    ("scaling", "apt-get install"): "installs on the machine: `make spark` builds by this engine",
    ("scaling", "PYSPARK_SUBMIT_ARGS"): "for Spark alone: `make spark` starts such a cluster",
    ("scaling", "docker compose"): "needs Docker, and images from the network",
}


def said(program):
    """Calls of a program amid text, by page."""
    return {
        page.name: [
            code
            for code in re.findall(rf"(?<!`)`((?:\.venv/bin/)?{program} [^`\n]+)`", BLOCK.sub("", page.read_text()))
            if "…" not in code and "COMMAND" not in code
        ]
        for page in PAGES
    }


@pytest.mark.parametrize(("page", "sql"), [found for found in blocks("sql") if found.values[1].strip() not in EXAMPLES])
def test_sql_answers(page, sql, made_home, capfd):
    write_answer(made_home.warehouse, sql, Format.csv)
    assert len(capfd.readouterr().out.splitlines()) > 1


@pytest.mark.parametrize(("page", "text"), blocks("sh"))
def test_commands_of_a_block_are_there(page, text):
    for arguments in arguments_after("trainyard", text):
        see_that_it_parses(arguments)
    for target, *_ in arguments_after("make", text):
        assert target in TARGETS


def see_that_it_parses(arguments):
    if arguments[0].startswith("--"):
        known = {name for option in typer.main.get_command(app).params for name in option.opts}
        assert set(arguments) <= known
    else:
        parse(arguments)


def test_commands_amid_text_are_there():
    calls = [
        call for page in said("trainyard").values() for code in page for call in arguments_after("trainyard", code)
    ]
    assert len(calls) > 30
    for arguments in calls:
        if arguments[0].startswith("--") or named(arguments)[1]:  # otherwise the command is just spoken of
            see_that_it_parses(arguments)
    targets = {call[0] for page in said("make").values() for code in page for call in arguments_after("make", code)}
    assert len(targets) > 10
    assert targets <= set(TARGETS)


def test_of_each_block_is_said_how_it_is_run():
    found = [(page, text) for page, text in (each.values for each in blocks("sh", "python", "postgresql"))]
    said = [*SHOWN, *RUN_BY, *NOT_RUN]
    assert [of for of in found if sum(page == of[0] and words in of[1] for page, words in said) != 1] == []
    assert len(said) == len(found)
    assert all((ROOT / "tests" / file).is_file() for file in RUN_BY.values())


@pytest.fixture
def shell(tmp_path, monkeypatch, models):
    """Run a block in a fresh folder, as of a checkout: there `trainyard X` writes what X.json holds, if that is there,
    and else is the command, with few models where it runs them all. No settings but those given."""
    folder = tmp_path / "work"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("bi", "sql"):
        (folder / name).symlink_to(ROOT / name)
    run, other = shlex.join(few_models.command(models)), shlex.join([sys.executable, "-m", "pipelines.cli"])
    scripts = {
        "trainyard": f'[ -e "$1.json" ] && exec cat "$1.json"\n[ "$1" = run ] && exec {run} "$@"\nexec {other} "$@"\n',
        "python": f'exec {shlex.quote(sys.executable)} "$@"\n',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.chdir(folder)

    def run(text, **environment):
        command, environment = ["bash", "-euo", "pipefail", "-c", text], no_settings() | environment
        return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    return run


@pytest.fixture(scope="module")
def simulator():
    with Simulator(Fleet([job(name, T0) for name in "abc"])) as simulator:
        yield simulator


@pytest.fixture
def account(simulator, tmp_path):
    """A configuration of AWS's tools, in which the profile ml-readonly leads to a simulated account."""
    file = tmp_path / "config"
    keys = "aws_access_key_id = x\naws_secret_access_key = x"
    file.write_text(f"[profile ml-readonly]\nendpoint_url = {simulator.url}\n{keys}\n")
    return {"AWS_CONFIG_FILE": str(file)}


@pytest.mark.parametrize(("page", "words"), SHOWN, ids=map(" ".join, SHOWN))
def test_a_block_shows_what_it_is_to(page, words, shell, simulator, made_home):
    Path("trainyard-data").symlink_to(made_home.root)
    shown = shell(block(page, words).replace("http://127.0.0.1:8900", simulator.url))
    lines = ".*".join(f"^(?:{line})" for line in SHOWN[page, words])
    assert re.search(lines, shown, flags=re.MULTILINE | re.DOTALL), shown


def test_settings_are_begun(shell, account):
    shown = shell(
        block("configuration", "trainyard init"), AWS_PROFILE="ml-readonly", AWS_REGION="eu-west-1", **account
    )
    assert shown.startswith("trainyard.toml written")
    assert HARVESTED in shown


def test_an_account_is_found_by_its_profile(shell, account):
    Path("run.json").write_text("run\n")  # a run is what takes seconds, and is seen above
    shown = shell(block("first-hour", "TRAINYARD_HOME=trainyard-data-mine"), **account)
    assert HARVESTED in shown
    assert shown.endswith("run\n")


def test_a_bundle_for_superset_is_written(shell, made_home):
    Path("trainyard-data").symlink_to(made_home.root)
    shell(block("connecting", "bi.superset.build"))
    assert zipfile.is_zipfile("trainyard-superset.zip")


@pytest.fixture
def python(tmp_path, monkeypatch, made_home):
    """Run a block in a folder with a data directory; returns what its names stand for then."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trainyard-data").symlink_to(made_home.root)

    def run(text):
        names = {}
        exec(text, names)
        return names

    return run


def test_a_document_is_rebuilt(python, made_documents):
    document = made_documents[0]
    text = block("lossless", "rebuild_document")
    shown = re.search(r'^arn = "(.+)"$', text, flags=re.MULTILINE)[1]
    assert marked(python(text.replace(shown, document["TrainingJobArn"]))["document"]) == marked(document)


def test_adbc_asks_the_warehouse(python):
    pytest.importorskip("adbc_driver_manager", reason="comes with the extra postgres")
    table = python(block("connecting", "adbc_driver_manager"))["table"]
    assert table["submitted_jobs"].to_pylist() == [3000]


def test_a_backup_is_restored(shell, simulator, monkeypatch):
    home, restored = Home(Path("trainyard-data").absolute()), Home(Path("restored").absolute())
    only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
    (outcome,) = harvest(Settings(home=home.root))
    assert outcome.documents == 3
    load(home)
    (home.root / "reference").mkdir()
    (home.root / "reference" / "prices.csv").write_text("mine")
    shell(block("operating", "tar -czf"))
    Path("rebuild.json").write_text("")
    shell(block("operating", "tar -xzf"))
    assert not restored.lake.exists()
    reload(restored)  # which is what a rebuild begins with
    assert lake(restored) == lake(home)
    assert (restored.root / "reference" / "prices.csv").read_text() == "mine"
    assert last_looks(restored.root) == last_looks(home.root)
    assert read_status(restored).last == read_status(home).last


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed here")
def test_scripts_are_told(shell, made_home):
    status = replace(read_status(made_home), last={"harvest": LastTime(datetime.now(UTC), ())})
    Path("status.json").write_bytes(msgspec.json.encode(status))
    Path("doctor.json").write_bytes(msgspec.json.encode([Finding(Level.ok, "versions", "Python")]))
    first, *_, succeeded, well = shell(block("operating", "jq -e")).splitlines()
    assert first.startswith(status.sources[0].source)
    assert (succeeded, well) == ("true", "true")
