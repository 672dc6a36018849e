"""The data dictionary: every column, as the installed service model and our own words tell of it, with an example."""

import re

import botocore.session
import pytest

from pipelines.dictionary import PAGE, data_dictionary
from pipelines.flatten.layout import lake_tables
from pipelines.flatten.meanings import meaning_of, meanings
from pipelines.flatten.record import ListOf, Scalar, training_job
from pipelines.flatten.schema import promised_columns
from pipelines.lake.sources import SOURCES


def members(shape, path=""):
    """Every member below a shape of the service model: API path -> its shape."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            below = f"{path}.{name}" if path else name
            yield below, member
            yield from members(member, below)
    elif shape.type_name == "list":
        yield from members(shape.member, f"{path}[]")


@pytest.fixture(scope="module")
def documented():
    """Every member of the record, and how SageMaker documents it."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    shapes = ("TrainingJob", "DescribeTrainingJobResponse")
    return {
        path: re.sub(r"<[^>]+>", "", member.documentation)
        for name in shapes
        for path, member in members(model.shape_for(name))
    }


@pytest.fixture(scope="module")
def sections():
    """The page's tables: heading -> column -> the other cells."""
    sections = {}
    for part in re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading, text = part.split("\n", 1)
        rows = (re.split(r" (?<!\\)\| ", line[2:-2]) for line in text.splitlines() if line.startswith("| `"))
        sections[heading] = {row[0].strip("`"): [cell.replace("\\|", "|") for cell in row[1:]] for row in rows}
    return sections


def test_the_committed_page_is_what_would_be_written():
    assert PAGE.read_text("utf-8") == data_dictionary(), "`make docs` writes it anew"


def test_every_member_has_a_meaning_in_our_own_words(documented):
    assert [path for path in documented if not meaning_of(path)] == [], "write them into flatten/meanings.toml"
    copied = [path for path, theirs in documented.items() if meaning_of(path).rstrip(".") in theirs]
    assert copied == []


def test_every_meaning_is_of_a_member_and_is_said_once(documented):
    known = [*documented, *(column.path for column in promised_columns())]
    assert [key for key in meanings() if not any(matches(key, path) for path in known)] == []
    assert [path for path in documented if sum(matches(key, path) for key in meanings()) != 1] == []


def matches(key, path):
    return re.fullmatch(re.escape(key).replace(r"\*", "[A-Za-z0-9]*"), path) is not None


def test_every_column_is_there_with_type_and_path(sections):
    shared = sections["In every table of the record"]
    for column in promised_columns():
        cells = (shared | sections[column.table])[column.name]
        assert (cells[0], cells[1].strip("`")) == (column.type, column.path), column
    assert set(sections[SOURCES.name]) == {column.name for column in SOURCES.columns}


def test_every_column_has_an_example_within_its_limits(sections):
    lacking = [f"{name}.{column}" for name, rows in sections.items() for column, cells in rows.items() if not cells[-1]]
    assert lacking == []
    for table in lake_tables():
        for column in table.columns:
            cells = (sections["In every table of the record"] | sections[table.name])[column.name]
            if column.node and not cells[-1].endswith("…`"):
                assert_within(cells[-1].strip("`"), column.node, f"{table.name}.{column.name}")


def assert_within(example, node, column):
    if isinstance(node, Scalar) and node.kind == "string":
        pattern = (node.pattern or ".*").replace(r"\p{Alnum}", "a-zA-Z0-9").replace(r"\p{L}\p{Z}\p{N}", r"\w\s")
        assert re.fullmatch(pattern, example), column
        assert not node.enum or example in node.enum, column
        assert (node.least or 0) <= len(example) <= (node.most or len(example)), column
    elif isinstance(node, ListOf) or getattr(node, "kind", "") in ("integer", "number"):
        assert (node.least or float(example)) <= float(example) <= (node.most or float(example)), column


def test_a_member_without_our_words_falls_back_to_the_first_sentence_of_the_model(monkeypatch):
    monkeypatch.setattr("pipelines.flatten.record.meaning_of", lambda path: None)
    fallen_back = training_job.__wrapped__()
    assert fallen_back.meanings["FailureReason"] == "If the training job failed, the reason it failed."
