"""What the documentation shows works as it stands: SQL answers, commands and targets are there, what is cheap is run.

Not here: what the README promises to list (``test_readme``), and the pages that are made of `sql/` (``test_metrics``).
"""

import ast
import os
import re
import shutil
import subprocess
import textwrap
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
from tests.main_job import lake, only_the_simulator
from tests.shell import arguments_after, named, parse
from tests.simulator.made import T0, job

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)
EXAMPLES = "\n".join(path.read_text() for path in shipped("sql").glob("examples/*.sql"))
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def blocks(language):
    """The texts of all blocks of code in a language, named by page and place."""
    return [
        pytest.param(textwrap.dedent(text), id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (_, found, text) in enumerate(BLOCK.findall(page.read_text()))
        if found == language
    ]


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


def queries(text):
    """The SQL of each `trainyard query` in lines of a shell."""
    for command, *rest in arguments_after("trainyard", text):
        if command == "query":
            yield re.sub(r"\$\(cat (\S+)\)", lambda named: (ROOT / named[1]).read_text(), rest[0])


@pytest.mark.parametrize("sql", [block for block in blocks("sql") if block.values[0].strip() not in EXAMPLES])
def test_sql_answers(sql, made_home, capfd):
    write_answer(made_home.warehouse, sql, Format.csv)
    assert len(capfd.readouterr().out.splitlines()) > 1


@pytest.mark.parametrize("text", blocks("sh"))
def test_commands_of_a_block_are_there(text, made_home, capfd):
    for arguments in arguments_after("trainyard", text):
        see_that_it_parses(arguments)
    for target, *_ in arguments_after("make", text):
        assert target in TARGETS
    for sql in queries(text):
        write_answer(made_home.warehouse, sql, Format.csv)
        assert len(capfd.readouterr().out.splitlines()) > 1


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


@pytest.mark.parametrize("text", blocks("python"))
def test_python_is_python(text):
    ast.parse(text)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run the block of a page that has some words, in a folder where `trainyard X` writes what X.json there holds."""
    program, folder = tmp_path / "bin" / "trainyard", tmp_path / "work"
    for each in (program.parent, folder):
        each.mkdir()
    program.write_text('#!/bin/sh\nexec cat "$1.json"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.chdir(folder)

    def run(page, words):
        (text,) = (text for _, _, text in BLOCK.findall((ROOT / "docs" / page).read_text()) if words in text)
        command = ["bash", "-euo", "pipefail", "-c", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return run


def test_a_backup_is_restored(shell, monkeypatch):
    home, restored = Home(Path("trainyard-data").absolute()), Home(Path("restored").absolute())
    with Simulator(Fleet([job(name, T0) for name in "abc"])) as simulator:
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL=simulator.url)
        (outcome,) = harvest(Settings(home=home.root))
    assert outcome.documents == 3
    load(home)
    (home.root / "reference").mkdir()
    (home.root / "reference" / "prices.csv").write_text("mine")
    shell("operating.md", "tar -czf")
    Path("rebuild.json").write_text("")
    shell("operating.md", "tar -xzf")
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
    first, *_, succeeded, well = shell("operating.md", "jq -e").splitlines()
    assert first.startswith(status.sources[0].source)
    assert (succeeded, well) == ("true", "true")
