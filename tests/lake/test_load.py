"""What raw holds comes into the lake: the newest version of each job, whole commits, only touched months rewritten."""

import itertools
import json
import os
import shutil
import time

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import files
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.flatten.unnest import unnested
from pipelines.harvest.archive import RawArchive
from pipelines.home import Home
from pipelines.lake.commit import SPARE_FILES
from pipelines.lake.load import load, reload
from pipelines.lake.manifest import TableFiles, read_manifest, replace_manifest, select_table, unmodelled_fields
from pipelines.lake.prune import GRACE_SECONDS, prune
from pipelines.lake.quarantine import Quarantine
from tests.records import ARN, documents, rebuilt

MAY, JUNE = 1_746_100_000, 1_749_000_000


def job(name, creation_time=MAY, last_modified_time=None, **members):
    times = {"CreationTime": creation_time, "LastModifiedTime": last_modified_time or creation_time}
    return {"TrainingJobArn": ARN + name} | times | members


def receive(home, *documents, source="012345678901-eu-west-1", observed_at=1_760_000_000.0):
    lines = [(observed_at, json.dumps(document).encode()) for document in documents]
    RawArchive(home.raw).append(source, lines, 0)


def rows_of(home, table=None):
    manifest = read_manifest(home.lake)
    tables = {}
    with duckdb.connect() as connection:
        for declared in lake_tables():
            cursor = connection.execute(
                select_table(declared.table, manifest.paths(home.lake, declared.name)) + " order by all"
            )
            names = [column[0] for column in cursor.description]
            tables[declared.name] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert all(manifest.rows(name) == len(rows) for name, rows in tables.items())
    return tables[table] if table else tables


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_the_newest_version_of_a_job_wins_whatever_the_order(home):
    versions = [job("a", MAY, MAY + 5, FailureReason="old"), job("a", MAY, MAY + 9, FailureReason="new")]
    receive(home, *versions)
    load(home)
    receive(home, versions[0], observed_at=1_770_000_000.0)
    load(home)
    (row,) = rows_of(home, "training_jobs")
    assert row["failure_reason"] == "new"


def test_of_equal_versions_the_later_observation_wins(home):
    receive(home, job("a", FailureReason="first"), observed_at=1_760_000_000.0)
    receive(home, job("a", FailureReason="second"), observed_at=1_760_000_001.0)
    receive(home, job("a", FailureReason="third"), observed_at=1_760_000_000.5)
    load(home)
    (row,) = rows_of(home, "training_jobs")
    assert row["failure_reason"] == "second"


def test_a_version_replaces_the_rows_of_its_lists(home):
    receive(home, job("a", Tags=[{"Key": "x", "Value": "1"}, {"Key": "y", "Value": "2"}]), job("b", Tags=[]))
    load(home)
    receive(home, job("a", last_modified_time=MAY + 1, Tags=[{"Key": "z", "Value": "3"}]))
    load(home)
    assert [(row["key"], row["training_job_arn"]) for row in rows_of(home, "tags")] == [("z", ARN + "a")]


def test_only_touched_months_are_rewritten(home):
    receive(home, job("a", MAY), job("b", JUNE))
    load(home)
    before = {part.month: part for part in read_manifest(home.lake).partitions}
    receive(home, job("b", JUNE, JUNE + 1))
    load(home)
    after = {part.month: part for part in read_manifest(home.lake).partitions}
    assert after["2025-05"] == before["2025-05"]
    assert after["2025-06"] != before["2025-06"]


def test_new_jobs_are_written_beside_the_held_ones(home):
    receive(home, job("a"), job("b"))
    load(home)
    (before,) = read_manifest(home.lake).partitions
    receive(home, job("c", Tags=[{"Key": "x", "Value": "1"}]))
    load(home)
    (after,) = read_manifest(home.lake).partitions
    assert after.tables["training_jobs"].files[:-1] == before.tables["training_jobs"].files
    assert len(rows_of(home, "training_jobs")) == 3


def files_of(home):
    """The files of each table of the only partition."""
    (part,) = read_manifest(home.lake).partitions
    return {name: held.files for name, held in part.tables.items()}


METRICS = [{"MetricName": "loss", "Value": 0.0, "Timestamp": MAY}]
SETTINGS = {"Tags": [{"Key": "x", "Value": "1"}], "HyperParameters": {"lr": "0.1"}}


def test_what_a_new_version_repeats_stays_where_it_is(home):
    receive(home, job("a", **SETTINGS), job("b", **SETTINGS))
    load(home)
    before = files_of(home)
    receive(home, job("a", MAY, MAY + 1, FinalMetricDataList=METRICS, **SETTINGS))
    load(home)
    after = files_of(home)
    assert {name for name in after if after[name] != before.get(name)} == {"training_jobs", "final_metric_data_list"}
    assert [row["value"] for row in rows_of(home, "hyper_parameters")] == ["0.1", "0.1"]

    receive(home, job("a", MAY, MAY + 2, FinalMetricDataList=METRICS, **SETTINGS | {"Tags": []}))
    load(home)
    last = files_of(home)
    assert {name for name in last if last[name] != after[name]} == {"training_jobs", "tags"}
    assert [row["training_job_arn"] for row in rows_of(home, "tags")] == [ARN + "b"]


def test_what_a_new_version_tells_for_the_first_time_is_written_beside_what_is_held(home):
    receive(home, job("a", **SETTINGS), job("b", FinalMetricDataList=METRICS))
    load(home)
    before = files_of(home)
    receive(home, job("a", MAY, MAY + 1, FinalMetricDataList=METRICS, **SETTINGS))
    load(home)
    after = files_of(home)
    assert after["final_metric_data_list"][:1] == before["final_metric_data_list"]
    assert len(rows_of(home, "final_metric_data_list")) == 2


def test_the_same_version_once_more_writes_nothing(home):
    for _ in range(2):
        receive(home, job("a", FinalMetricDataList=METRICS, **SETTINGS))
        load(home)
        partitions = read_manifest(home.lake).partitions
    receive(home, job("a", FinalMetricDataList=METRICS, **SETTINGS))
    assert load(home).changed == 1
    assert read_manifest(home.lake).partitions == partitions


def test_files_of_an_older_schema_may_stay(home):
    receive(home, job("a", FinalMetricDataList=METRICS), job("b"))
    load(home)
    (path,) = read_manifest(home.lake).paths(home.lake, "training_jobs")
    older = duckdb.sql(f"select * exclude (vpc_config_subnets__count) from '{path}'").to_arrow_table()
    pq.write_table(older, path)
    receive(home, job("a", FinalMetricDataList=METRICS))
    assert load(home).changed == 1
    assert read_manifest(home.lake).paths(home.lake, "training_jobs") == [path]
    assert len(rows_of(home, "training_jobs")) == 2


def test_a_table_that_no_model_knows_any_more_goes_with_the_rows_that_count_it(home):
    receive(home, job("a"), job("b", JUNE))
    load(home)
    manifest = read_manifest(home.lake)
    known = [
        msgspec.structs.replace(part, tables=part.tables | {"gone": TableFiles(1, ("x",))})
        for part in manifest.partitions
    ]
    replace_manifest(home.lake, msgspec.structs.replace(manifest, partitions=tuple(known)))
    receive(home, job("a", MAY, MAY + 1))
    load(home)
    assert ["gone" in part.tables for part in read_manifest(home.lake).partitions] == [False, True]


def test_what_is_equal_and_not_the_same_is_written(home):
    for number, value in enumerate((0.0, -0.0)):
        receive(home, job("a", MAY, MAY + number, FinalMetricDataList=[METRICS[0] | {"Value": value}]))
        load(home)
    (path,) = read_manifest(home.lake).paths(home.lake, "final_metric_data_list")
    # DuckDB's sorting gives 0 for -0.
    assert duckdb.sql(f"select value::varchar from '{path}'").fetchall() == [("-0.0",)]


def test_tables_that_are_seldom_written_anew_are_not_in_too_many_files(home):
    """The main table is, each time a job changes; the others only gain rows."""
    for number in range(3 * SPARE_FILES):
        receive(home, job("a", MAY, MAY + number), job(f"{number}", Tags=[{"Key": "n", "Value": f"{number}"}]))
        load(home)
        assert max(len(names) for names in files_of(home).values()) <= SPARE_FILES + 2
    assert sorted(row["value"] for row in rows_of(home, "tags")) == sorted(f"{n}" for n in range(3 * SPARE_FILES))


def test_a_partition_that_is_in_too_many_files_is_written_anew(home):
    files_of_each_load = []
    for number in range(2 * SPARE_FILES):
        receive(home, job(f"{number}", Tags=[{"Key": "n", "Value": f"{number}"}]))
        load(home)
        (part,) = read_manifest(home.lake).partitions
        files_of_each_load.append(len(part.tables["training_jobs"].files))
    assert files_of_each_load == [*range(1, SPARE_FILES + 2), *range(2, SPARE_FILES + 1)]
    assert sorted(row["value"] for row in rows_of(home, "tags")) == sorted(f"{n}" for n in range(2 * SPARE_FILES))


def test_counts_that_do_not_add_up_are_never_put_in_force(home, monkeypatch):
    def without_last_tag(documents):
        for table, rows in unnested(documents):
            yield table, rows.slice(0, rows.num_rows - 1) if table.name == "tags" else rows

    monkeypatch.setattr("pipelines.lake.commit.unnested", without_last_tag)
    receive(home, job("a", Tags=[{"Key": "x", "Value": "1"}, {"Key": "y", "Value": "2"}]))
    with pytest.raises(RuntimeError, match=r"lake.tags: 1 rows written, 2 declared"):
        load(home)
    assert read_manifest(home.lake).partitions == ()


def test_a_commit_of_several_pieces_is_whole(home, monkeypatch):
    monkeypatch.setattr("pipelines.flatten.documents.JOBS_A_PIECE", 3)
    fleet = [job(f"{n}", MAY + n % 4 * 2_600_000, Tags=[{"Key": "n", "Value": str(n)}]) for n in range(20)]
    receive(home, *fleet)
    assert load(home).changed == 20
    assert sorted(int(row["value"]) for row in rows_of(home, "tags")) == list(range(20))


def test_what_is_not_newer_rewrites_nothing(home):
    receive(home, job("a", MAY, MAY + 5))
    load(home)
    before = read_manifest(home.lake)
    receive(home, job("a", MAY, MAY + 4))
    loaded = load(home)
    after = read_manifest(home.lake)
    assert (loaded.documents, loaded.changed) == (1, 0)
    assert (after.generation, after.partitions) == (before.generation, before.partitions)
    assert load(home).documents == 0


def test_a_name_used_again_in_another_month_is_one_job(home):
    receive(home, job("a", MAY))
    load(home)
    receive(home, job("a", JUNE))
    load(home)
    assert [part.month for part in read_manifest(home.lake).partitions] == ["2025-06"]
    assert len(rows_of(home, "training_jobs")) == 1


def test_a_bad_document_is_in_quarantine_and_leaves_it_with_a_rebuild(home, monkeypatch):
    receive(home, job("a"), {"TrainingJobArn": ARN + "b", "CreationTime": "soon"})
    assert load(home).quarantined == 1
    ((source, line),) = Quarantine(home.quarantine).lines()
    assert (source, line.path) == ("012345678901-eu-west-1", "CreationTime")
    monkeypatch.setattr("pipelines.flatten.dialects._seconds_of_iso", lambda text: 1.7e9)
    reload(home)
    assert list(Quarantine(home.quarantine).lines()) == []
    assert len(rows_of(home, "training_jobs")) == 2


def test_of_a_batch_that_was_taken_away_nothing_is_in_quarantine_after_a_rebuild(home):
    bad = {"TrainingJobArn": ARN + "b", "CreationTime": "soon"}
    for source in ("import", "gone"):
        receive(home, bad, source=source)
        receive(home, bad | {"CreationTime": "later"}, source=source)
    load(home)
    min(home.raw.glob("source=import/*")).unlink()
    shutil.rmtree(home.raw / "source=gone")
    reload(home)
    assert [(source, json.loads(each.line)["document"]) for source, each in Quarantine(home.quarantine).lines()] == [
        ("import", bad | {"CreationTime": "later"})
    ]


def test_members_that_no_model_knows_are_counted_by_path_and_job(home):
    channels = [{"ChannelName": "a", "New": 1}, {"ChannelName": "b", "New": {"deep": [None, "\u0000 \"'[7]"]}}]
    rules = [{"RuleConfigurationName": "r", "New": 2**70}] * 11
    receive(
        home,
        job("a", InputDataConfig=channels, DebugRuleConfigurations=rules, New={"a.b": {"[0]": 1.5}}),
        job("b", InputDataConfig=channels[1:], VpcConfig={"New": False}),
        job("c", JUNE, InputDataConfig=channels[:1], SecondaryStatus="Pondering", TrainingJobStatus="Dreaming"),
        job("d", New=None),
    )
    assert load(home).quarantined == 0
    assert unmodelled_fields(home.lake, read_manifest(home.lake)) == {
        "InputDataConfig[].New": 3,
        "DebugRuleConfigurations[].New": 1,
        "VpcConfig.New": 1,
        "New": 1,
    }
    a, b, c, d = sorted(rows_of(home, "training_jobs"), key=lambda row: row["training_job_arn"])
    kept = json.loads(a["unmodelled_fields"])
    assert kept.pop("New") == {"a.b": {"[0]": 1.5}}
    assert kept.pop("InputDataConfig[1].New") == {"deep": [None, "\u0000 \"'[7]"]}
    assert kept == {"InputDataConfig[0].New": 1, **{f"DebugRuleConfigurations[{n}].New": 2**70 for n in range(11)}}
    assert json.loads(b["unmodelled_fields"]).keys() == {"InputDataConfig[0].New", "VpcConfig.New"}
    assert (c["secondary_status"], c["training_job_status"]) == ("Pondering", "Dreaming")
    assert d["unmodelled_fields"] is None


def test_an_account_that_begins_with_0_stays_text(home):
    receive(home, job("a"))
    load(home)
    (part,) = read_manifest(home.lake).partitions
    assert part.account_id == "012345678901"
    assert (home.lake / "tags").exists()


class Killed(BaseException):
    pass


def test_all_files_of_a_load_and_all_folders_above_them_survive_a_power_cut(tmp_path, monkeypatch):
    home, durable = Home(tmp_path / "home"), set()
    receive(home, *(job(f"{n}", MAY + n * 4_000_000, Tags=[{"Key": "n", "Value": ""}]) for n in range(4)))
    monkeypatch.setattr(files, "fsync", durable.add)
    load(home)
    written = set(home.lake.rglob("*.parquet"))
    assert len({path.parent for path in written}) > 4
    folders = {folder for path in written for folder in path.parents if folder.is_relative_to(home.lake)}
    assert written | folders <= durable


@pytest.mark.parametrize("survived", range(10))
def test_a_load_killed_anywhere_and_run_again_ends_in_the_same_lake(tmp_path, monkeypatch, survived):
    fleet = [job(f"{n}", MAY + n * 400_000, Tags=[{"Key": "n", "Value": str(n)}]) for n in range(12)]
    smooth, killed = Home(tmp_path / "smooth"), Home(tmp_path / "killed")
    for home in (smooth, killed):
        receive(home, *fleet[:8])
        receive(home, *fleet[6:])
    load(smooth)
    steps = itertools.count()

    def fsync(path, real=files.fsync):
        if next(steps) == survived:
            raise Killed
        real(path)

    monkeypatch.setattr(files, "fsync", fsync)
    with pytest.raises(Killed):
        load(killed)
    load(killed)
    assert rows_of(killed) == rows_of(smooth)


@settings(max_examples=10, deadline=None)
@given(batches=st.lists(st.lists(documents(), max_size=4), min_size=1, max_size=4))
def test_however_documents_come_the_lake_holds_the_newest_whole(batches, tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    newest = {}
    for number, batch in enumerate(batches):
        receive(home, *batch, observed_at=1.76e9 + number)
        if number % 2:
            load(home)
        for document in batch:
            arn = document["TrainingJobArn"]
            held = newest.get(arn, document)
            if document.get("LastModifiedTime", -1e99) >= held.get("LastModifiedTime", -1e99):
                newest[arn] = document
    load(home)
    tables = rows_of(home)
    assert {row["training_job_arn"] for row in tables[main_table().name]} == set(newest)
    for arn, document in newest.items():
        assert rebuilt(arn, tables) == document
    reload(home)
    assert repr(rows_of(home)) == repr(tables)  # as text: what is not a number does not equal itself


@settings(max_examples=10, deadline=None)
@given(
    whole=documents(),
    others=st.lists(
        st.tuples(documents(), st.sampled_from("ab"), st.lists(st.integers(0, 200), max_size=3)), max_size=5
    ),
)
def test_a_job_that_changes_member_by_member_is_held_as_it_is(whole, others, tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    versions = {name: whole | {"TrainingJobArn": ARN + name, "LastModifiedTime": 1e9} for name in "ab"}
    receive(home, *versions.values())
    load(home)
    tables = rows_of(home)
    for number, (other, name, positions) in enumerate(others, 1):
        names = sorted({*whole, *other} - {"TrainingJobArn"})
        for member in {names[position % len(names)] for position in positions}:
            versions[name] = {key: value for key, value in versions[name].items() if key != member}
            versions[name] |= {member: other[member]} if member in other else {}
        versions[name] = {"CreationTime": whole["CreationTime"]} | versions[name] | {"LastModifiedTime": 1e9 + number}
        receive(home, versions[name], observed_at=1.76e9 + number)
        load(home)
        tables = rows_of(home)
        assert {
            row["training_job_arn"]: rebuilt(row["training_job_arn"], tables) for row in tables["training_jobs"]
        } == {version["TrainingJobArn"]: version for version in versions.values()}
    reload(home)
    assert repr(rows_of(home)) == repr(tables)


def test_prune_removes_what_is_superseded_after_a_while_and_nothing_else(home):
    receive(home, job("a", MAY), job("b", JUNE))
    load(home)
    for path in home.lake.rglob("*.parquet"):  # a build that began just now still reads files of long ago
        os.utime(path, (0, 0))
    receive(home, job("a", MAY, MAY + 1))
    load(home)
    held = rows_of(home)
    assert prune(home) == 0
    assert prune(home, now=time.time() + GRACE_SECONDS + 60) == 1
    assert rows_of(home) == held
    assert len(list(home.lake.rglob("*.parquet"))) == 2


def test_prune_removes_what_killed_processes_left_half_written(home):
    receive(home, job("a", MAY))
    load(home)
    whole = sorted(path for path in home.root.rglob("*") if path.suffix != ".ndjson")
    left = [
        ".warehouse.duckdb.7.tmp",
        ".warehouse.duckdb.7.tmp.wal",
        "raw/.1.ndjson.zst.7.tmp",
        "lake/.manifest.json.7.tmp",
    ]
    for name in left:
        (home.root / name).touch()
    # One that another process puts in place meanwhile is not there any more where it was found.
    (home.root / ".dashboard.html.7.tmp").symlink_to("put in place")
    assert prune(home) == 0
    assert prune(home, now=time.time() + GRACE_SECONDS + 60) == len(left)
    (home.root / ".dashboard.html.7.tmp").unlink()
    assert sorted(path for path in home.root.rglob("*") if path.suffix != ".ndjson") == whole
