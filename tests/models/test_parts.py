"""Incremental models: made part by part, anew only where something changed, and the same as if made at once."""

import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import files
from pipelines.errors import TrainyardError
from pipelines.lake.manifest import Manifest, Partition, TableFiles
from pipelines.models.build import Build, _input_of, start_build
from pipelines.models.catalogue import load_catalogue
from pipelines.models.parts import Parts, lake_parts
from pipelines.tables import Column, Table
from tests.models.projects import write

JOBS = Table(
    "lake",
    "jobs",
    "One row per job.",
    (
        Column("job", "VARCHAR", "Name of the job."),
        Column("month", "VARCHAR", "Month of the job."),
        Column("seconds", "BIGINT", "How long it took."),
    ),
)
LIMITS = Table("reference", "limits", "One row: the limit.", (Column("most", "BIGINT", "Most seconds."),))
NEWS = Table(
    "build",
    "news",
    "One row per job of which there is news.",
    (Column("job", "VARCHAR", "Name of the job."), Column("month", "VARCHAR", "Month."), Column("n", "BIGINT", "N.")),
)
MODELS = {
    "staging__jobs": "-- One row per job.\n-- @incremental\n-- @unique: job\n"
    "select j.job, j.month, least(j.seconds, l.most) + coalesce(n.n, 0) as seconds -- Seconds.\n"
    "from lake.jobs as j cross join reference.limits as l left join build.news as n on j.job = n.job",
    "staging__months": "-- One row per month.\n-- @incremental\nselect month, sum(seconds)::bigint as seconds -- Sum.\n"
    "from staging.jobs group by month",
    "staging__ends": "-- One row per job.\n-- @incremental\n"
    "select (case when seconds > 4 then '2026-02' else month end || '-01')::date as month, -- Month of its end.\n"
    "seconds -- Seconds.\nfrom staging.jobs",
    "staging__longest": "-- One row per month.\nselect month, max(seconds) as most -- Most seconds.\n"
    "from staging.ends group by month",
    "marts__ends": "-- One row per month.\n-- @incremental by month\n"
    "select e.month, sum(e.seconds)::bigint as seconds, -- Sum.\nmax(l.most) as most -- Most seconds.\n"
    "from staging.ends as e join staging.longest as l on e.month = l.month group by e.month",
    "marts__long_ends": "-- One row per month.\n-- @incremental by month\n"
    "select most -- Most seconds.\nfrom marts.ends where most > 3",
    "marts__totals": "-- One row: all.\nselect sum(seconds)::bigint as seconds, -- Sum.\ncount(*) as jobs -- Number.\n"
    "from staging.jobs",
}


def partition(month, jobs, account="012345678901"):
    return Partition(account, "eu-west-1", month, {"training_jobs": TableFiles(jobs, ("a",))})


@pytest.mark.parametrize(
    ("jobs", "parts"),
    [
        ({}, {"all": []}),
        ({"2025-12": 10_000, "2026-01": 15_000}, {"all": ["2025-12", "2026-01"]}),
        ({"2025-11": 1, "2025-12": 20_000, "2026-01": 5_000}, {"2025": ["2025-11", "2025-12"], "2026": ["2026-01"]}),
        (
            {"2025-12": 1, "2026-01": 20_000, "2026-02": 30_000},
            {"2025": ["2025-12"], "2026-01": ["2026-01"], "2026-02": ["2026-02"]},
        ),
    ],
)
def test_a_large_lake_has_years_or_months_as_parts(jobs, parts):
    found = lake_parts(Manifest(partitions=tuple(partition(month, rows) for month, rows in jobs.items())))
    assert {part: [each.month for each in lake.partitions] for part, lake in found.items()} == parts


def test_a_part_has_all_accounts():
    partitions = (partition("2026-01", 20_000), partition("2026-01", 20_000, "210987654321"), partition("2026-02", 1))
    assert [len(lake.partitions) for lake in lake_parts(Manifest(partitions=partitions)).values()] == [2, 1]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return write_and_load(tmp_path_factory.mktemp("sql"), **MODELS)


def write_and_load(folder, **models):
    write(folder, **models)
    return load_catalogue(folder, (JOBS, LIMITS, NEWS))


def values(rows, names, empty):
    listed = ", ".join(str(row) for row in rows)
    return f"select * from (values {listed}) as t ({names})" if rows else f"select {empty} where false"


def select_jobs(jobs):
    rows = [(name, month, seconds) for name, (month, seconds) in sorted(jobs.items())]
    return values(rows, "job, month, seconds", "''::varchar as job, ''::varchar as month, 0::bigint as seconds")


def made(folder, catalogue, state, in_parts):
    """All rows of each model, and which files were not made before."""
    jobs, limit, news = state
    inputs = {"lake.jobs": select_jobs(jobs)}
    rows = [(name, jobs[name][0], n) for name, n in sorted(news.items()) if name in jobs]
    tables = {
        "reference.limits": f"select {limit}::bigint as most",
        "build.news": values(rows, "job, month, n", "''::varchar as job, ''::varchar as month, 0::bigint as n"),
    }
    months = sorted({month for month, _ in jobs.values()}) or ["2026-01"]
    parts = Parts(
        {month: (month,) for month in months},
        {
            month: {"lake.jobs": select_jobs({name: job for name, job in jobs.items() if job[0] == month})}
            for month in months
        },
        frozenset({"build.news"}),
    )
    build = start_build(folder, inputs, tables, parts if in_parts else None)
    new = set()
    for bound in catalogue.models:
        build.run(bound)
        new |= {(bound.name, part) for part, path in build.files(bound.name).items() if folder in path.parents}
        assert not [result for result in build.check(bound) if result.violations]
    rows = {bound.name: sorted(_all(build, bound.name)) for bound in catalogue.models}
    return rows, new


def _all(build, name):
    with duckdb.connect() as connection:
        return connection.execute(build.select(name)).fetchall()


states = st.tuples(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.sampled_from(["2026-01", "2026-02", "2026-03"]), st.integers(0, 9)),
    ),
    st.sampled_from([5, 9]),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=2),
)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(states, min_size=1, max_size=4))
def test_any_sequence_of_increments_gives_what_a_whole_build_gives(catalogue, sequence):
    with tempfile.TemporaryDirectory() as folder:
        for number, state in enumerate(sequence):
            rows, _ = made(Path(folder) / "increments" / f"b{number}", catalogue, state, in_parts=True)
            whole, _ = made(Path(folder) / f"whole-{number}" / "b", catalogue, state, in_parts=False)
            assert rows == whole


JANUARY, FEBRUARY = ({(f"staging.{name}", f"2026-0{month}") for name in ("jobs", "months", "ends")} for month in (1, 2))
LATE_ENDS = {("marts.ends", "from-2026-02"), ("marts.long_ends", "from-2026-02")}
TOTALS = {("marts.totals", "all"), ("staging.longest", "all")}


@pytest.mark.parametrize(
    ("changed", "new"),
    [
        ({}, set()),
        (
            {"jobs": {"a": ("2026-01", 4), "b": ("2026-02", 3)}},
            JANUARY | TOTALS | LATE_ENDS,
        ),
        ({"news": {"a": 1, "b": 1}}, FEBRUARY | TOTALS | LATE_ENDS),
        ({"limit": 8}, JANUARY | FEBRUARY | TOTALS | LATE_ENDS),
    ],
)
def test_only_what_changed_is_made_anew(changed, new, catalogue, tmp_path):
    state = {"jobs": {"a": ("2026-01", 5), "b": ("2026-02", 3)}, "limit": 9, "news": {"a": 1}}
    made(tmp_path / "b1", catalogue, tuple(state.values()), in_parts=True)
    _, found = made(tmp_path / "b2", catalogue, tuple((state | changed).values()), in_parts=True)
    assert found == new


def test_a_stretch_of_months_is_made_anew_if_what_it_reads_of_them_changed_or_is_made_elsewhere(catalogue, tmp_path):
    jobs = {"a": ("2026-01", 3), "b": ("2026-02", 5), "c": ("2026-02", 2)}
    made(tmp_path / "b1", catalogue, (jobs, 9, {}), in_parts=True)
    # `staging.longest` is made anew as a whole, and has the same of January.
    rows, found = made(tmp_path / "b2", catalogue, (jobs | {"c": ("2026-02", 6)}, 9, {}), in_parts=True)
    assert found == FEBRUARY | TOTALS | LATE_ENDS
    assert rows["marts.ends"] == [(date(2026, 1, 1), 3, 3), (date(2026, 2, 1), 11, 6)]


def test_a_model_whose_text_changed_and_what_reads_it_are_made_anew(catalogue, tmp_path):
    state = ({"a": ("2026-01", 5)}, 9, {})
    made(tmp_path / "builds" / "b1", catalogue, state, in_parts=True)
    write(tmp_path / "sql", **MODELS | {"staging__months": MODELS["staging__months"].replace("sum", "max")})
    changed = load_catalogue(tmp_path / "sql", (JOBS, LIMITS, NEWS))
    _, found = made(tmp_path / "builds" / "b2", changed, state, in_parts=True)
    assert found == {("staging.months", "2026-01")}


def test_what_fails_a_check_is_made_and_checked_anew(catalogue, tmp_path):
    select = "select * from (values ('a', '2026-01', 1), ('a', '2026-01', 2)) as t (job, month, seconds)"
    tables = {"reference.limits": "select 9::bigint as most", "build.news": "select 'b' as job, '' as month, 0 as n"}
    for number in (1, 2):
        build = start_build(tmp_path / f"b{number}", {"lake.jobs": select}, tables)
        jobs = next(bound for bound in catalogue.models if bound.name == "staging.jobs")
        build.run(jobs)
        assert [result.violations for result in build.check(jobs)] == [1]


def test_what_another_engine_wrote_for_itself_is_not_shared(catalogue, tmp_path, monkeypatch):
    made(tmp_path / "b1", catalogue, ({"a": ("2026-01", 5)}, 9, {}), in_parts=False)
    scratch = tmp_path / "b1" / ".spark" / "x.parquet"
    scratch.parent.mkdir()
    scratch.touch()
    shared = []
    monkeypatch.setattr(files, "are_shared", lambda folder: True)
    monkeypatch.setattr(files, "share", lambda paths, last: shared.extend([*paths, last]))
    Build(tmp_path / "b1").share()
    assert {path.name for path in shared} >= {"limits.parquet", "files.json", "settled.json"}
    assert scratch not in shared


class LockFree:
    """A cached property as Python has it from 3.12 on: threads that ask for it at once make one each."""

    def __init__(self, cached):
        self.make, self.name = cached.func, cached.attrname

    def __get__(self, instance, owner):
        made = self.make(instance)
        time.sleep(0.01)
        return instance.__dict__.setdefault(self.name, made)


def test_parts_that_are_made_at_once_share_one_database(catalogue, tmp_path, monkeypatch):
    for name in ("_database", "_views"):
        monkeypatch.setattr(Build, name, LockFree(Build.__dict__[name]))
    opened = []
    connect = Build.connect
    monkeypatch.setattr(Build, "connect", lambda build: opened.append(build.build_id) or connect(build))
    made(tmp_path / "b1", catalogue, ({"a": ("2026-01", 5), "b": ("2026-02", 3)}, 9, {}), in_parts=True)
    assert opened == ["b1"]


@pytest.mark.parametrize("home", [".", "a", "there"])
def test_another_text_is_another_input_whatever_the_folder_is_called(home):
    folder = Path(home, "builds", "b1")
    one, other, in_folder, elsewhere = (
        start.identity
        for start in (
            _input_of("select 'a.b'", folder),
            _input_of("select 'ab'", folder),
            _input_of(f"select * from read_csv('{Path(home, 'x.csv')}')", folder),
            _input_of("select * from read_csv('/its own/x.csv')", Path("/its own/builds/b1")),
        )
    )
    assert one != other
    assert in_folder == elsewhere


def test_an_incremental_model_reads_no_other_kind(tmp_path):
    wrong = "-- One row: all.\n-- @incremental\nselect count(*) as jobs -- Number.\nfrom staging.other"
    write(tmp_path, marts__totals=wrong, staging__other="-- One row per job.\nselect job, seconds from lake.jobs")
    with pytest.raises(TrainyardError, match=r"totals.sql:4: it is incremental, but staging.other, .* is not"):
        load_catalogue(tmp_path, (JOBS, LIMITS, NEWS))


def test_a_model_by_month_reads_what_has_months(tmp_path):
    wrong = "-- One row: all.\n-- @incremental by month\nselect count(*) as jobs -- Number.\nfrom staging.other"
    write(tmp_path, marts__totals=wrong, staging__other="-- One row per job.\nselect job, seconds from lake.jobs")
    with pytest.raises(TrainyardError, match=r"totals.sql:4: it is incremental by month, but staging.other, .* has no"):
        load_catalogue(tmp_path, (JOBS, LIMITS, NEWS))


def test_months_are_cut_where_parts_begin():
    parts = Parts({"2025": ("2025-03", "2025-11"), "2026-01": ("2026-01",), "2026-04": ("2026-04",)})
    assert parts.stretches == {
        "before-2026-01": (None, "2026-01"),
        "from-2026-01": ("2026-01", "2026-04"),
        "from-2026-04": ("2026-04", None),
    }
    assert Parts().stretches == {"all": (None, None)}


def test_where_a_part_fails_the_build_does_not_wait_for_the_queries_of_others(tmp_path):
    sql = (
        "-- One row per job.\n-- @incremental\n"
        "select sum(if(j.month = '2026-01', error('no'), r.n))::bigint as n -- N.\n"
        "from lake.jobs as j, range(if(j.month = '2026-01', 1, 200000000000)) as r (n)"
    )
    catalogue = write_and_load(tmp_path / "sql", staging__endless=sql)
    months = ["2026-01", "2026-02", "2026-03"]
    jobs = {month: {"lake.jobs": select_jobs({"a": (month, 1)})} for month in months}
    parts = Parts({month: (month,) for month in months}, jobs)
    build = start_build(tmp_path / "builds" / "b", jobs["2026-01"], {}, parts)
    began = time.monotonic()
    with pytest.raises(duckdb.InvalidInputException, match="no"):
        build.run(catalogue.models[0])
    build.close()
    assert time.monotonic() - began < 20
