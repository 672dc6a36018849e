"""A publish that alters a copy of the last file gives what one that writes anew gives, and knows when it may not."""

import errno
import shutil
import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unittest.mock import Mock

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.models import alter, publication, publish
from pipelines.models.build import start_build
from pipelines.models.catalogue import load_catalogue
from pipelines.models.parts import LakeFiles, Parts
from pipelines.models.publication import forget_notes
from pipelines.tables import Column, Table, literal
from tests.models.projects import write

JOBS = Table(
    "lake",
    "jobs",
    "One row per job.",
    (
        Column("job", "VARCHAR", "Name of the job."),
        Column("month", "VARCHAR", "Month of the job."),
        Column("owner", "VARCHAR", "Who owns it; null if nobody."),
        Column("seconds", "DOUBLE", "How long it took."),
    ),
    key=("month", "job"),
)
LIMITS = Table("reference", "limits", "One row: the limit.", (Column("most", "BIGINT", "Most seconds."),))
MODELS = {
    "marts__jobs": "-- One row per job.\n-- @incremental\n-- @unique: job\n"
    "select j.job, j.owner, least(j.seconds, l.most) as seconds -- Seconds.\n"
    "from lake.jobs as j cross join reference.limits as l",
    "marts__owners": "-- One row per owner.\n-- @unique: owner\n"
    "select owner, sum(seconds) as seconds -- Sum.\nfrom marts.jobs group by owner",
    "marts__totals": "-- One row: all.\nselect count(*) as jobs -- Number.\nfrom marts.jobs",
}
MONTHS = [f"2026-0{month}" for month in range(1, 9)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sql")
    write(folder, **MODELS)
    return load_catalogue(folder, (JOBS, LIMITS))


def tables(catalogue):
    return [JOBS, LIMITS, *(bound.table for bound in catalogue.models)]


def lake_file(folder, jobs):
    """A file of these jobs, whose name is another one if they are others."""
    rows = ", ".join(f"({literal(j)}, '{m}', {literal(o) if o else 'null'}, {s}::double)" for j, m, o, s in jobs)
    path = folder / f"{sha256(rows.encode()).hexdigest()}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy (from (values {rows}) as t (job, month, owner, seconds)) to '{path}'")
    return LakeFiles(JOBS, [path])


def built(folder, catalogue, jobs, limit=9):
    """A build of jobs, by name: month, owner and seconds; each month is a part, and a file of the lake."""
    lake = folder.parents[1] / "lake"
    lake.mkdir(exist_ok=True)
    rows = sorted((job, *told) for job, told in jobs.items())
    months = sorted({month for _, month, *_ in rows})
    of_month = {month: lake_file(lake, [row for row in rows if row[1] == month]) for month in months}
    inputs = {"lake.jobs": LakeFiles(JOBS, [path for each in of_month.values() for path in each.paths])}
    parts = Parts(
        {month: (month,) for month in months} or {"all": ()},
        {month: {"lake.jobs": of_lake} for month, of_lake in of_month.items()},
    )
    build = start_build(folder, inputs, {"reference.limits": f"select {limit}::bigint as most"}, parts)
    for bound in catalogue.models:
        build.run(bound)
        assert not [result for result in build.check(bound) if result.violations]
    return build


def content(path):
    """Every table's comments and rows."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute("select schema_name, table_name, comment from duckdb_tables()").fetchall()
        return {
            (schema, name, comment): sorted(map(repr, connection.execute(f"from {schema}.{name}").fetchall()))
            for schema, name, comment in found
        }


@pytest.fixture
def home(tmp_path, catalogue):
    """A folder with a published file of eight months."""
    publish.publish(built(tmp_path / "builds" / "b1", catalogue, FLEET), tables(catalogue), tmp_path / "warehouse")
    return tmp_path


FLEET = {f"{month}-{owner}": (month, owner, 3) for month in MONTHS for owner in ("a", "b", None)}
ONE_CHANGED = FLEET | {"2026-05-a": ("2026-05", "c", 4)}


jobs = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(
        st.sampled_from(MONTHS[:3]),
        st.sampled_from(["x", "y", None]),
        st.sampled_from(["0", "1", "0.1", "'nan'", "null"]),
    ),
)


def publish_anew(build, catalogue, target):
    """A file of the build, for comparison: what is noted of the one that was published stays."""
    notes = {path: path.read_bytes() for path in build.folder.parent.glob("*/published.json")}
    forget_notes(build.folder.parent)
    assert publish.publish(build, tables(catalogue), target).altered is None
    for path, content in notes.items():
        path.write_bytes(content)
    return target


@settings(max_examples=settings.default.max_examples // 3)
@given(st.lists(st.tuples(jobs, st.sampled_from([5, 9])), min_size=2, max_size=4))
def test_any_sequence_of_publishes_gives_what_each_gives_anew(catalogue, sequence):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(alter, "MOST_CHANGED", 100)
        monkeypatch.setattr(publish, "MOST_GROWN", 100)
        target = Path(folder) / "warehouse"
        for number, (fleet, limit) in enumerate(sequence):
            build = built(Path(folder) / "builds" / f"b{number}", catalogue, fleet, limit)
            published = publish.publish(build, tables(catalogue), target)
            assert published.failure is None
            assert (published.altered is None) == (number == 0)
            assert content(target) == content(publish_anew(build, catalogue, Path(folder) / f"anew-{number}"))


def test_only_what_changed_is_altered(home, catalogue, monkeypatch):
    monkeypatch.setattr(publish, "MOST_GROWN", 100)
    build = built(home / "builds" / "b2", catalogue, ONE_CHANGED)
    published = publish.publish(build, tables(catalogue), home / "warehouse")
    # The number of jobs is the same, but it was counted anew.
    assert published.altered == {"lake.jobs", "marts.jobs", "marts.owners", "marts.totals"}
    assert published.size_bytes == (home / "warehouse").stat().st_size
    assert content(home / "warehouse") == content(publish_anew(build, catalogue, home / "anew"))
    again = built(home / "builds" / "b3", catalogue, ONE_CHANGED)
    assert publish.publish(again, tables(catalogue), home / "warehouse").altered == set()
    assert content(home / "warehouse") == content(home / "anew")


def test_reference_data_that_changed_are_replaced(home, catalogue, monkeypatch):
    monkeypatch.setattr(alter, "MOST_CHANGED", 100)
    build = built(home / "builds" / "b2", catalogue, FLEET, limit=2)
    published = publish.publish(build, tables(catalogue), home / "warehouse")
    assert published.altered == {"reference.limits", "marts.jobs", "marts.owners", "marts.totals"}
    assert content(home / "warehouse") == content(publish_anew(build, catalogue, home / "anew"))


def much_changed(home, monkeypatch):
    return FLEET | {job: (month, owner, 4) for job, (month, owner, _) in FLEET.items() if month > MONTHS[3]}


def grown_too_much(home, monkeypatch):
    monkeypatch.setattr(publish, "MOST_GROWN", 0.9)


def a_day_old(home, monkeypatch):
    monkeypatch.setattr(publish, "ANEW_SECONDS", 0)


def of_another_release(home, monkeypatch):
    monkeypatch.setattr(publish, "version", lambda name: "0.0")


def written_to(home, monkeypatch):
    (home / "warehouse").chmod(0o644)
    with duckdb.connect(str(home / "warehouse")) as connection:
        connection.execute("delete from marts.jobs")


def another_file(home, monkeypatch):
    (home / "warehouse").rename(home / "moved")
    shutil.copy2(home / "moved", home / "warehouse")


def removed(home, monkeypatch):
    (home / "warehouse").unlink()


def without_a_note(home, monkeypatch):
    forget_notes(home / "builds")


def with_a_note_of_another_release(home, monkeypatch):
    (home / "builds" / "b1" / "published.json").write_bytes(b'{"file": [1, 2]}')


def without_earlier_files_of_the_lake(home, monkeypatch):
    for path in (home / "lake").iterdir():
        path.rename(path.with_suffix(".old"))


@pytest.mark.parametrize(
    "touch",
    [
        *(much_changed, grown_too_much, a_day_old, of_another_release, written_to, another_file, removed),
        *(without_a_note, with_a_note_of_another_release, without_earlier_files_of_the_lake),
    ],
)
def test_what_had_better_not_be_altered_is_written_anew(home, catalogue, monkeypatch, touch):
    fleet = touch(home, monkeypatch) or ONE_CHANGED
    build = built(home / "builds" / "b2", catalogue, fleet)
    published = publish.publish(build, tables(catalogue), home / "warehouse")
    assert (published.altered, published.failure) == (None, None)
    assert content(home / "warehouse") == content(publish_anew(build, catalogue, home / "anew"))


def test_a_file_with_other_comments_is_written_anew(home, catalogue):
    build = built(home / "builds" / "b2", catalogue, ONE_CHANGED)
    commented = [replace(table, comment=f"{table.comment} Again.") for table in tables(catalogue)]
    assert publish.publish(build, commented, home / "warehouse").altered is None
    assert ("marts", "totals", "One row: all. Again.") in content(home / "warehouse")


def without_rows(home, monkeypatch):
    """As if the file were not of the build that it is noted with."""
    written_to(home, monkeypatch)
    note(home)
    return "marts.jobs has 0 of 1 rows"


def with_rows_too_many(home, monkeypatch):
    (home / "warehouse").chmod(0o644)
    with duckdb.connect(str(home / "warehouse")) as connection:
        connection.execute("insert into lake.jobs select 'more', '2026-01', null, 1")
    note(home)
    return "lake.jobs has 24 rows, and 25"


def damaged(home, monkeypatch):
    content = (home / "warehouse").read_bytes()
    (home / "warehouse").chmod(0o644)
    (home / "warehouse").write_bytes(content[:12288] + b"\xaa" * (len(content) - 12288))
    note(home)
    return "orrupt"


def replaced_meanwhile(home, monkeypatch):
    """By a reader of a bucket, which brings another machine's file here."""

    def changes(*arguments):
        another_file(home, monkeypatch)
        return alter.changes(*arguments)

    monkeypatch.setattr(publish, "changes", changes)
    return "another file"


def note(home):
    """Take the file for the one that was published."""
    path = home / "builds" / "b1" / "published.json"
    noted = msgspec.json.decode(path.read_bytes(), type=publication.Note)
    stamp = publication.Stamp.of((home / "warehouse").stat())
    publication.write_note(path.parent, msgspec.structs.replace(noted, file=stamp))


@pytest.mark.parametrize("touch", [without_rows, with_rows_too_many, damaged, replaced_meanwhile])
def test_where_altering_fails_the_file_is_written_anew(home, catalogue, monkeypatch, touch):
    why = touch(home, monkeypatch)
    build = built(home / "builds" / "b2", catalogue, ONE_CHANGED)
    published = publish.publish(build, tables(catalogue), home / "warehouse")
    assert published.altered is None
    assert why in published.failure
    assert content(home / "warehouse") == content(publish_anew(build, catalogue, home / "anew"))


class KilledError(BaseException):
    """Nothing handles it, as nothing does a kill."""


@pytest.mark.parametrize(("where", "what"), [(shutil, "copyfileobj"), (publish, "_verify"), (publish, "write_note")])
def test_a_publish_that_is_killed_leaves_a_whole_file_and_the_next_one_is_right(home, catalogue, where, what):
    before = content(home / "warehouse")
    build = built(home / "builds" / "b2", catalogue, ONE_CHANGED)
    with pytest.MonkeyPatch.context() as killing:
        killing.setattr(where, what, Mock(side_effect=KilledError))
        with pytest.raises(KilledError):
            publish.publish(build, tables(catalogue), home / "warehouse")
    after = content(publish_anew(build, catalogue, home / "anew"))
    assert content(home / "warehouse") == (after if what == "write_note" else before)
    assert publish.publish(build, tables(catalogue), home / "warehouse").altered is None
    assert content(home / "warehouse") == after


def test_a_disk_that_is_full_is_said(home, catalogue, monkeypatch):
    before = (home / "warehouse").read_bytes()
    monkeypatch.setattr(shutil, "copyfileobj", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device"):
        publish.publish(built(home / "builds" / "b2", catalogue, ONE_CHANGED), tables(catalogue), home / "warehouse")
    assert (home / "warehouse").read_bytes() == before


def test_an_interrupt_is_no_failure_of_altering(home, catalogue, monkeypatch):
    monkeypatch.setattr(publish, "alter", Mock(side_effect=duckdb.InterruptException("INTERRUPT Error")))
    with pytest.raises(duckdb.InterruptException):
        publish.publish(built(home / "builds" / "b2", catalogue, ONE_CHANGED), tables(catalogue), home / "warehouse")
