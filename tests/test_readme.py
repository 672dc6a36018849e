"""The README tells what there is, all of it, and its queries run: a stranger finds what it promises."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from pipelines.cli import app
from pipelines.config import Settings, SourceSettings, load_settings
from pipelines.models.catalogue import load_catalogue
from pipelines.query import Format, write_answer
from pipelines.shipped import shipped
from tests.main_job import trainyard

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = sorted(shipped("sql").glob("examples/*.sql"))


def section(title):
    """The text below a heading."""
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(text):
    """The first cell of each row of a table, without its code marks."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def test_every_mart_is_listed_with_its_grain():
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+ \| .+) \|$", section("The marts"), flags=re.MULTILINE))
    assert listed == {
        bound.table.name: mart_row(bound.table.comment)
        for bound in load_catalogue(shipped("sql")).models
        if bound.table.schema == "marts"
    }


def mart_row(comment):
    """The cells that say what a row is and what it tells, from the first sentence of the mart's file."""
    row, tells = re.fullmatch(r"One row(?: per)?(.*?): (.+?)\. ?.*", comment.replace("\n", " ")).groups()
    return f"{row.strip() or 'one row'} | {tells}"


def test_every_command_is_listed():
    header, *listed = (cell.split()[0] for cell in first_cells(section("The command")))
    assert header == "trainyard"
    assert set(listed) == set(typer.main.get_command(app).commands)


def test_every_setting_is_shown_and_what_is_shown_is_allowed(monkeypatch, tmp_path):
    shown = re.search(r"```toml\n(.+?)```", README, flags=re.DOTALL)[1]
    assert set(re.findall(r"^(?:\[\[)?(\w+)", shown, flags=re.MULTILINE)) == (
        (set(Settings.model_fields) | set(SourceSettings.model_fields)) - {"profile"} | {"sources"}
    )
    (tmp_path / "trainyard.toml").write_text(shown)
    monkeypatch.chdir(tmp_path)
    assert len(load_settings().sources) == 2


def test_every_example_is_listed_with_its_question():
    questions = {path.name: path.read_text().splitlines()[0].removeprefix("-- ") for path in EXAMPLES}
    assert questions
    assert dict(re.findall(r"^\| \[`(.+?)`\]\(sql/examples/.+?\) \| (.+) \|$", README, flags=re.MULTILINE)) == questions


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_answers(path, made_home, capfd):
    write_answer(made_home.warehouse, path.read_text(), Format.csv)
    assert len(capfd.readouterr().out.splitlines()) > 1


def test_the_command_that_asks_an_example_answers(made_home):
    file = re.search(r'trainyard query "\$\(cat (\S+)\)"', README)[1]
    assert "hours_in_status" in trainyard("query", (ROOT / file).read_text(), home=made_home.root).stdout


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    declared += project["dependency-groups"].values()
    names = {re.match(r"[\w-]+", entry)[0] for group in declared for entry in group if isinstance(entry, str)}
    rows = re.findall(r"^\| ([^|]+) \| \w", (ROOT / "docs" / "dependencies.md").read_text(), flags=re.MULTILINE)
    assert {name for row in rows for name in row.split(" (")[0].split(", ")} - {"package"} == names


def test_the_clients_that_were_tried_are_those_that_make_clients_has():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = dict(entry.split("==") for entry in project["dependency-groups"]["clients"] if "==" in entry)
    makefile = (ROOT / "Makefile").read_text()
    others = re.search(r"^DUCKDB_VERSIONS := (.+)$", makefile, flags=re.MULTILINE)[1].split()
    told = (ROOT / "docs" / "connecting.md").read_text()
    tried = dict(re.findall(r"^\| `?(\w+)`?(?: shell)? \| ([\d., ]+) \|", told, flags=re.MULTILINE))
    assert [tried[name] for name in ("pandas", "polars")] == [pinned["pandas"], pinned["polars"]]
    assert f"`duckdb-sqlalchemy` {pinned['duckdb-sqlalchemy']}" in told
    assert f"| `duckdb` shell | {pinned['duckdb-cli']} |" in told
    assert set(others) <= set(re.search(r"^\| DuckDB \| ([^|]+) \|", told, flags=re.MULTILINE)[1].split(", "))


def test_pictures_and_files_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
