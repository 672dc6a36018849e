"""A file that is damaged is named in one line with the way out, and the way out mends it; raw is never lost."""

import json
import os
import shutil

import pytest

from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator.made_fleet import made_documents
from tests.crash.boundaries import Boundary, copy, forked, result, stopped
from tests.crash.commands import trainyard
from tests.main_job import lake, published

pytestmark = pytest.mark.forks

ARN = "arn:aws:sagemaker:eu-west-1:012345678901:training-job/"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A data directory of two imports, published."""
    folder = tmp_path_factory.mktemp("damage")
    jobs = made_documents(seed=11, jobs=60, end=1_790_812_800)
    for number, part in enumerate((jobs[:30], [*jobs[30:], {"TrainingJobArn": ARN + "bad", "TrainingJobName": "bad"}])):
        file = folder / f"{number}.ndjson"
        file.write_text("".join(json.dumps(job) + "\n" for job in part))
        assert forked(trainyard("import", file), folder / "home").code == 0
    ended = forked(trainyard("run", "--no-harvest"), folder / "home")
    assert ended.code == 0, ended.output
    return folder / "home"


def held(home):
    tables = lake(Home(home)) | published(Home(home).warehouse)
    tables.pop("build_info")
    return {name: sorted(map(repr, rows)) for name, rows in tables.items()}


def raw_of(home):
    return {path.name: path.read_bytes() for path in sorted(home.rglob("raw/*/*"))}


def one(home, pattern):
    return max(home.rglob(pattern), key=lambda path: path.stat().st_size)


def cut(path):
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)


def spoil(path):
    """Garbage where the middle was."""
    path.chmod(0o644)
    content = path.read_bytes()
    third = len(content) // 3
    path.write_bytes(content[:third] + b"\xaa" * third + content[2 * third :])


def said(home, *arguments):
    """The one line with which a command fails, after what it may have shown."""
    ended = forked(trainyard(*arguments), home)
    assert (ended.signal, ended.code) == (0, 1), ended.output
    *shown, line = ended.output.strip().splitlines()
    assert line.startswith("trainyard: "), ended.output
    assert not shown or arguments == ("status",), ended.output
    return line


@pytest.mark.parametrize("damage", [cut, spoil, os.unlink])
def test_a_file_of_the_lake(whole, tmp_path, damage):
    home = copy(whole, tmp_path / "home")
    file = one(home, "lake/secondary_status_transitions/**/*.parquet")
    damage(file)
    line = said(home, "build")
    assert str(file) in line
    assert "`trainyard rebuild`" in line
    if damage is cut:
        mended(home, whole)


def test_the_manifest(whole, tmp_path):
    home = copy(whole, tmp_path / "home")
    cut(home / "lake/manifest.json")
    for command in (["build"], ["status"], ["run", "--no-harvest"]):
        line = said(home, *command)
        assert str(home / "lake/manifest.json") in line
        assert "`trainyard rebuild`" in line
    mended(home, whole)


def mended(home, whole):
    before = raw_of(home)
    mended_by("rebuild", home, whole)
    assert raw_of(home) == before


def mended_by(command, home, whole):
    ended = forked(trainyard(command), home)
    assert ended.code == 0, ended.output
    assert result(held, home) == result(held, whole)


def spoil_blocks(path):
    """Garbage in all but the header, of the same length, as a disk makes it: the file's times tell nothing."""
    before = path.stat()
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content[:12288] + b"\xaa" * (len(content) - 12288))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# Of a file that is cut, DuckDB still reads what is before the cut.
@pytest.mark.parametrize(("damage", "shown_by"), [(cut, {"query"}), (spoil_blocks, {"query", "status"})])
def test_the_published_file(whole, tmp_path, damage, shown_by):
    home = copy(whole, tmp_path / "home")
    assert forked(trainyard("run", "--no-harvest"), home).code == 0  # the next run may go on from this file
    damage(home / "warehouse.duckdb")
    for command in shown_by:
        line = said(home, command, *(["select max(job) from lake.training_jobs as job"] if command == "query" else []))
        assert str(home / "warehouse.duckdb") in line
        assert "`trainyard build`" in line
    mended_by("build", home, whole)


def cut_models(home):
    for path in home.glob("builds/models/marts/*/*.parquet"):
        cut(path)


@pytest.mark.parametrize("when", ["before", "while it is published"])
def test_a_file_of_a_build(when, whole, tmp_path):
    """It is read by the steps after the one that wrote it, and by later builds."""
    home = copy(whole, tmp_path / "home")
    if when == "before":
        cut_models(home)
        ended = forked(trainyard("build"), home)
    else:
        ended = stopped(trainyard("build"), home, Boundary("duckdb attach", 1), lambda label: cut_models(home))
    assert ended.code == 1
    (line,) = ended.output.splitlines()
    assert line.startswith("trainyard: ")
    assert "`trainyard build` makes all of it anew" in line
    assert f"remove {home}/builds" in line
    shutil.rmtree(home / "builds")
    mended_by("build", home, whole)


def test_a_raw_batch(whole, tmp_path):
    """What else is in raw counts; what is lost is said, and how to get it again."""
    home = copy(whole, tmp_path / "home")
    first, second = sorted(home.glob("raw/source=import/*"))
    cut(second)
    rebuilt = forked(trainyard("rebuild"), home)
    assert rebuilt.code == 0
    (line,) = [line for line in rebuilt.output.splitlines() if "warning" in line and str(second) in line]
    assert "move" in line
    jobs = result(lambda home: len(lake(Home(home))["training_jobs"]), home)
    assert 30 <= jobs < 60
    assert first.read_bytes() == (whole / first.relative_to(home)).read_bytes()
    assert str(second) in forked(trainyard("status"), home).output
    # Out of the way, as the line says, it can be imported again.
    shutil.move(second, tmp_path)
    assert forked(trainyard("import", whole.parent / "1.ndjson"), home).code == 0
    mended(home, whole)


def test_an_empty_raw_batch(tmp_path):
    """As after a power cut: that is not the same as a batch without documents."""
    home = Home(tmp_path)
    batch = result(lambda home: RawArchive(Home(home).raw).append("import", [Observation(1.0, b"{}")]), tmp_path)
    os.truncate(batch, 0)
    assert result(lambda _: load(home).quarantined, home.root) == 1


@pytest.mark.parametrize(
    ("file", "command", "way_out"),
    [
        ("sources/harvested.json", ["build"], "`trainyard run`"),
        ("quarantine/import/*.ndjson", ["status"], "`trainyard rebuild`"),
    ],
)
def test_small_files(whole, tmp_path, file, command, way_out):
    home = copy(whole, tmp_path / "home")
    (home / "sources").mkdir()
    (home / "sources/harvested.json").write_text('{"source":"harvested","last_complete_look_at":1790000000.0}')
    path = one(home, file)
    cut(path)
    line = said(home, *command)
    assert str(path) in line
    assert way_out in line


@pytest.mark.parametrize(
    ("file", "command", "way_out"),
    [
        ("due.json", "status", "due once another event names it"),
        ("outcomes/harvest.json", "status", "the next run writes it anew"),
        ("deleted/import.ndjson", "build", "`trainyard verify`"),
    ],
)
def test_a_byte_of_a_small_file(whole, tmp_path, file, command, way_out):
    path = copy(whole, tmp_path / "home") / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'{"training_job_arn": "\xff"}')
    line = said(tmp_path / "home", command)
    assert str(path) in line
    assert way_out in line
