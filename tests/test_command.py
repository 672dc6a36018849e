"""What the command is like to use: help that teaches, JSON for scripts, completion, and colours on terminals alone."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version

import duckdb
import msgspec
import pytest
import typer

from pipelines.cli import app
from pipelines.config import load_settings
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.status import read_status
from tests.main_job import only_the_simulator, trainyard
from tests.shell import arguments_after, parse
from tests.simulator.made import T0, job

COLOUR = re.compile(r"\x1b\[[\d;]*\b(3[0-8]|4[0-8]|9[0-7])[\d;]*m")


def commands(group, *names):
    """Every command, and how it is called."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_has_an_example_that_is_allowed(names):
    command = COMMANDS[names]
    _, *lines = command.epilog.split("\n\n")
    shown = [arguments for line in lines for arguments in arguments_after("trainyard", line)]
    for arguments in shown:
        parse(arguments)
    assert any(tuple(arguments[: len(names)]) == names for arguments in shown)


def test_status_for_scripts(made_home):
    told = json.loads(trainyard("status", "--json", home=made_home.root).stdout)
    with duckdb.connect(str(made_home.warehouse), read_only=True) as connection:
        ((jobs, build_id, built_at),) = connection.execute(
            "select jobs, build_id, built_at from marts.build_info"
        ).fetchall()
    assert told["lake"]["jobs"] == jobs
    assert told["warehouse"]["build_id"] == build_id
    assert datetime.fromisoformat(told["warehouse"]["built_at"]).replace(tzinfo=None) == built_at
    assert told["data_directory"] == str(made_home.root)
    assert [source["batches_not_in_lake"] for source in told["sources"]] == [0]


def test_status_for_scripts_before_the_first_run(tmp_path):
    told = json.loads(msgspec.json.encode(read_status(Home(tmp_path / "home"))))
    assert told["lake"].pop("tables") > 20
    assert told == {
        "data_directory": str(tmp_path / "home"),
        "sources": [],
        "last": {"harvest": None, "verification": None},
        "lake": {"generation": 0, "jobs": 0, "rows": 0},
        "warehouse": None,
        "jobs_due": 0,
        "quarantine": [],
    }


def test_version(tmp_path):
    assert trainyard("--version", home=tmp_path / "home").stdout == f"trainyard {version('trainyard')}\n"


def test_completion(tmp_path):
    asked = {"_TRAINYARD_COMPLETE": "complete_bash", "COMP_WORDS": "trainyard status --j", "COMP_CWORD": "2"}
    assert trainyard(home=tmp_path / "home", **asked).stdout.split() == ["--json"]


def shown_on_terminal(*arguments, **environment):
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    surroundings = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(command, stdout=theirs, env=surroundings | {"TERM": "xterm-256color"} | environment):
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # as Linux says that nobody writes any more
                break
            if not part:
                break
            written += part
    os.close(ours)
    return written.decode()


def test_colours_are_for_who_wants_them():
    assert COLOUR.search(shown_on_terminal("--help"))
    plain = shown_on_terminal("--help", NO_COLOR="1")
    assert "doctor" in plain
    assert not COLOUR.search(plain)


def test_simulate_says_how_to_harvest_it(tmp_path, monkeypatch):
    file = tmp_path / "fleet.ndjson"
    file.write_text(json.dumps(job("a", T0)) + "\n")
    command = [sys.executable, "-m", "pipelines.cli", "simulate", str(file), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout.readline().startswith("SageMaker is simulated at http://127.0.0.1:")
        *surroundings, program, asked = simulator.stdout.readline().split()
        told = dict(variable.split("=", 1) for variable in surroundings)
        only_the_simulator(monkeypatch, **told)
        monkeypatch.chdir(tmp_path)
        (outcome,) = harvest(load_settings())
        simulator.terminate()
    assert (program, asked) == ("trainyard", "run")
    assert (outcome.documents, outcome.error) == (1, None)
