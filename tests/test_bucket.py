"""A data directory in a bucket: one writer among all machines, and every machine finds what is in force.

Each machine here is a cache of its own. Kills are in ``tests/crash``.
"""

import json
import os
import socket
import threading
import uuid
from pathlib import Path

import pytest

from pipelines import files
from pipelines.bucket import lease
from pipelines.bucket.prune import prune_bucket
from pipelines.config import load_settings
from pipelines.demo import demo_settings
from pipelines.errors import TrainyardError
from pipelines.flatten.documents import Quarantined
from pipelines.harvest.archive import Observation, RawArchive, last_looks, write_last_look
from pipelines.harvest.merge import merge_months
from pipelines.home import Home, working_copy
from pipelines.lake.manifest import Manifest, Partition, TableFiles, read_manifest, replace_manifest
from pipelines.lake.prune import GRACE_SECONDS
from pipelines.lake.quarantine import Quarantine
from tests import bucket
from tests.main_job import forget_settings
from tests.measurements import keep, measurements_of
from tests.simulator.made import T0, job

POLICY = Path(__file__).parents[1] / "docs" / "iam-policy-bucket.json"
SOURCE = "111122223333-eu-west-1"


@pytest.fixture(scope="module")
def server():
    with bucket.served() as surroundings:
        yield surroundings


@pytest.fixture
def url(server, monkeypatch):
    """The address of a data directory that is not there yet."""
    forget_settings(monkeypatch)
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    return f"s3://{bucket.NAME}/{uuid.uuid4().hex}/data"


@pytest.fixture
def machine(url, tmp_path):
    """A function that gives the data directory as a machine sees it, by the machine's name."""
    return lambda name="one": Home(working_copy(url, tmp_path / name))


def committed(home, generation, *names):
    """Put a lake of one partition in force, of files with these names."""
    part = Partition("111122223333", "eu-west-1", "2026-01", {"training_jobs": TableFiles(1, names)})
    for name in names:
        path = part.folder(home.lake, "training_jobs") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    files.fsync_all([part.folder(home.lake, "training_jobs") / name for name in names], home.lake)
    replace_manifest(home.lake, Manifest(generation, partitions=(part,)))


def published(home, build_id, content):
    """Make a build of one model and a published file that stand for real ones."""
    model, build = f"models/marts/jobs/{build_id}.parquet", home.builds / build_id
    index = json.dumps({"marts.jobs": {"whole": model}}).encode()
    for path, written in (
        (home.builds / model, content),
        (build / "files.json", index),
        (build / "settled.json", b"{}"),
    ):
        files.write_whole(path, written)
    files.share([home.builds / model, build / "files.json"], last=build / "settled.json")
    files.write_whole(home.warehouse, content)
    files.write_whole(home.dashboard, build_id.encode())


def test_what_one_machine_wrote_another_finds(machine, url):
    one, two = machine("one"), machine("two")
    with one.writing():
        batch = RawArchive(one.raw).append(SOURCE, [Observation(1.0, b"{}")], watermark=7)
        write_last_look(one.root, SOURCE, 8.0)
        files.write_whole(one.fetched / "prices.csv", b"told")
        committed(one, 1, "a.parquet")
        keep(one, measurements_of([job("a", T0)]))
        published(one, "b1", b"x" * 9_000_000)  # in parts
    bucket.backend().put_object(bucket.NAME, f"{url.split('/', 3)[3]}/reference/prices.csv", b"own")
    with two.writing():
        assert RawArchive(two.raw).watermark(SOURCE) == 7
        assert last_looks(two.root) == {SOURCE: 8.0}
        assert (two.reference / "prices.csv").read_bytes() == b"own"
        assert (two.fetched / "prices.csv").read_bytes() == b"told"
        (path,) = read_manifest(two.lake).paths(two.lake, "training_jobs")
        assert path.read_bytes() == b"a.parquet"
        for folder in (one.metrics, two.metrics):
            assert all(path.exists() for path in read_manifest(folder).all_paths(folder))
        assert read_manifest(two.metrics) == read_manifest(one.metrics) != Manifest()
        (other,) = RawArchive(two.raw).batches(SOURCE)
        assert other.is_symlink()  # until it is read
        assert list(RawArchive(two.raw).read(other)) == list(RawArchive(one.raw).read(batch))
        assert other.read_bytes() == batch.read_bytes()
        assert (two.builds / "models/marts/jobs/b1.parquet").read_bytes() == one.warehouse.read_bytes()
    two.pull_warehouse()
    assert two.warehouse.read_bytes() == one.warehouse.read_bytes()
    assert {"warehouse.duckdb", "dashboard.html"} <= bucket.objects(url).keys()


def test_what_is_here_is_not_brought_here_again(machine):
    home = machine()
    with home.writing():
        write_last_look(home.root, SOURCE, 8.0)
        committed(home, 1, "a.parquet")
        published(home, "b1", b"1")
    before = len(bucket.asked)
    home.pull()
    home.pull_warehouse()
    assert [method for method, _ in bucket.asked[before:]] == ["GET", "GET", "HEAD", "HEAD", "HEAD"]


def test_names_that_are_no_files_below_the_folder_are_left_out(machine, url, tmp_path):
    for name in ("raw/", "reference/", "reference/../../../evil", "sources/../../../evil"):
        bucket.backend().put_object(bucket.NAME, f"{url.split('/', 3)[3]}/{name}", b"evil")
    machine().pull(with_lake=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink() or "evil" in path.name]


def test_what_was_removed_is_removed_everywhere(machine):
    one, two = machine("one"), machine("two")
    with one.writing():
        batch = RawArchive(one.raw).append(SOURCE, [], watermark=7)
        Quarantine(one.quarantine).replace(SOURCE, batch.name, [Quarantined("broken", "", "{")])
    two.pull()
    assert [line.reason for _, line in Quarantine(two.quarantine).lines()] == ["broken"]
    with one.writing():
        Quarantine(one.quarantine).replace(SOURCE, batch.name, [])
    two.pull()
    assert not list(Quarantine(two.quarantine).lines())


def test_raw_is_merged_wherever_it_was_written(machine, url):
    one, two = machine("one"), machine("two")
    months = [1_700_000_000 + number * 86_400 for number in (*range(8), 60)]
    with one.writing():
        for number, at in enumerate(months):
            last = RawArchive(one.raw).append(SOURCE, [Observation(at, b'{"n":%d}' % number)], at * 10**6)
        replace_manifest(one.lake, Manifest(1, {SOURCE: last.name}))
    assert merge_months(two) == 8
    one.pull()
    for home in (one, two):
        archive = RawArchive(home.raw)
        merged, kept = archive.batches(SOURCE)
        assert kept.name == last.name
        with home.writing():
            assert [json.loads(line)["document"]["n"] for line in archive.read(merged)] == list(range(8))
    assert len([name for name in bucket.objects(url) if name.startswith("raw/")]) == 2


def test_the_other_writer_is_told_who_writes(machine, url):
    with machine("one").writing():
        with pytest.raises(TrainyardError) as error, machine("two").writing(wait_seconds=0):
            pass
        assert f"process {os.getpid()} on {socket.gethostname()} has been writing to {url} since" in str(error.value)
    with machine("two").writing(wait_seconds=0):
        pass


def test_of_two_that_begin_at_once_one_writes(machine):
    begun, together = [], threading.Barrier(2)

    def write(home):
        together.wait()
        try:
            with home.writing(wait_seconds=0):
                begun.append("written")
                over.wait(30)
        except TrainyardError as error:
            begun.append(str(error))
            over.set()

    over = threading.Event()
    threads = [threading.Thread(target=write, args=(machine(name),)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun.remove("written")
    (told,) = begun
    assert f"process {os.getpid()}" in told


def test_a_writer_that_died_is_waited_for_until_its_lease_has_run_out(machine, url):
    with machine("one").writing():
        dead = bucket.objects(url)[".writer.json"]
    bucket.backend().put_object(bucket.NAME, f"{url.split('/', 3)[3]}/.writer.json", dead)
    with pytest.raises(TrainyardError, match="last heard of"), machine("two").writing(wait_seconds=0):
        pass
    with machine("one").writing(wait_seconds=0):  # its own machine knows that it is dead
        pass
    bucket.backend().put_object(bucket.NAME, f"{url.split('/', 3)[3]}/.writer.json", dead)
    bucket.age(url, ".writer.json", lease.LEASE_SECONDS + 1)
    with machine("two").writing(wait_seconds=0):
        pass


def test_a_lease_is_renewed_while_its_holder_works(machine, url, monkeypatch):
    monkeypatch.setattr(lease, "RENEWAL_SECONDS", 0.05)
    seen = set()
    with machine().writing():
        for _ in range(100):
            seen.add(bucket.objects(url)[".writer.json"])
            if len(seen) > 2:
                break
            threading.Event().wait(0.05)
    assert len(seen) > 2


def taken_over(one, two, url):
    """While ``one`` writes, but was not heard of, ``two`` commits."""
    bucket.age(url, ".writer.json", lease.LEASE_SECONDS + 1)
    with two.writing(wait_seconds=0):
        committed(two, 1, "two.parquet")
        RawArchive(two.raw).append(SOURCE, [Observation(2.0, b"{}")], watermark=7)


@pytest.mark.parametrize(
    "late",
    [
        lambda home: committed(home, 1, "one.parquet"),
        lambda home: RawArchive(home.raw).append(SOURCE, [Observation(1.0, b"{}")], watermark=7),
    ],
    ids=["commit", "batch"],
)
def test_what_a_writer_that_was_taken_over_writes_is_refused(machine, url, late):
    one, two = machine("one"), machine("two")
    with one.writing():
        taken_over(one, two, url)
        there = bucket.objects(url)
        with pytest.raises(TrainyardError, match="written by another process meanwhile"):
            late(one)
        kept = {name: content for name, content in bucket.objects(url).items() if "one.parquet" not in name}
        assert kept == there
        assert not read_manifest(one.lake).partitions
    with one.writing(wait_seconds=0):
        assert read_manifest(one.lake) == read_manifest(two.lake)


def test_a_writer_that_was_taken_over_finds_out(machine, url, monkeypatch):
    one, two = machine("one"), machine("two")
    with one.writing():
        taken_over(one, two, url)
        monkeypatch.setattr(lease, "LEASE_SECONDS", 0.0)
        with pytest.raises(TrainyardError, match="has taken over"):
            write_last_look(one.root, SOURCE, 1.0)
        assert not last_looks(one.root)


def test_a_renewal_whose_answer_never_came_is_no_other_writer(machine, url):
    home = machine()
    with home.writing():
        held = home.mirror._lease
        bucket.faults += [("PUT", ".writer.json", "lost"), ("PUT", ".writer.json", "denied")]
        with pytest.raises(TrainyardError, match="AccessDenied"):
            held.renew()
        bucket.faults.clear()
        held.renew()
        committed(home, 1, "one.parquet")
    assert machine("two").mirror.bucket.read(".writer.json")
    with machine("two").writing(wait_seconds=0):
        assert read_manifest(machine("two").lake).generation == 1


def test_a_write_whose_answer_was_lost_is_no_conflict(machine):
    home = machine()
    with home.writing():
        for name in ("sources/a.json", "lake/manifest.json"):
            bucket.faults.append(("PUT", name, "lost"))
        write_last_look(home.root, "a", 1.0)
        committed(home, 1, "a.parquet")
        committed(home, 2, "b.parquet")
    assert not bucket.faults
    other = machine("two")
    other.pull()
    assert last_looks(other.root) == {"a": 1.0}
    assert read_manifest(other.lake).generation == 2


def test_what_nothing_needs_is_removed(machine, url):
    home = machine()
    with home.writing():
        committed(home, 1, "old.parquet")
        committed(home, 2, "new.parquet")
        for number in range(5):
            published(home, f"b{number}", b"1")
    later = lambda seconds: max(each.changed_at for each in home.mirror.bucket.listed("a")).timestamp() + seconds  # noqa: E731
    assert not prune_bucket(home, later(GRACE_SECONDS - 60))
    assert prune_bucket(home, later(GRACE_SECONDS + 60)) == 1 + 2 * 3
    left = {Path(name) for name in bucket.objects(url)}
    assert {path.name for path in left if path.is_relative_to("lake/training_jobs")} == {"new.parquet"}
    assert {path.parent.name for path in left if path.name == "settled.json"} == {"b2", "b3", "b4"}
    assert {path.stem for path in left if path.is_relative_to("builds/models")} == {"b2", "b3", "b4"}


def test_no_bucket(url, machine, tmp_path):
    missing = Home(working_copy("s3://no-such-bucket/data", tmp_path))
    assert "create it, or correct TRAINYARD_HOME" in refusal(missing)


def test_no_credentials(machine, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "sign in to AWS" in refusal(machine())


@pytest.mark.parametrize(("method", "name"), [("GET", bucket.NAME), ("PUT", ".writer.json")])
def test_access_denied(machine, url, method, name):
    bucket.faults.append((method, name, "denied"))
    try:
        said = refusal(machine())
    finally:
        bucket.faults.clear()
    assert url in said
    assert "allow it in IAM" in said


@pytest.mark.parametrize("is_silent", [False, True], ids=["refuses", "silent"])
def test_a_bucket_that_cannot_be_reached_is_given_up_soon(machine, monkeypatch, is_silent):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        # What fills the queue of a listener that accepts nobody makes all others wait.
        waiting = [socket.socket() for _ in range(8)] if is_silent else []
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        if not is_silent:
            listening.close()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
        started = os.times().elapsed
        assert "check the network" in refusal(machine())
        assert os.times().elapsed - started < 15  # ten, and a busy machine
        for each in waiting:
            each.close()


def refusal(home):
    """What a command is told, in one line."""
    with pytest.raises(TrainyardError) as error, home.writing(wait_seconds=0):
        pass
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINYARD_CACHE", str(tmp_path))
    monkeypatch.setenv("TRAINYARD_HOME", "s3://bucket/a/b/")
    home = Home(load_settings().home)
    assert home.root.parent == tmp_path
    assert home.url == home.place == "s3://bucket/a/b"
    for wrong in ("s3://", "gs://bucket/a", "s3://Bucket", "s3://bucket//a"):
        monkeypatch.setenv("TRAINYARD_HOME", wrong)
        with pytest.raises(TrainyardError, match="s3://bucket/prefix"):
            load_settings()


def test_the_demo_stays_on_disk(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINYARD_CACHE", str(tmp_path))
    monkeypatch.setenv("TRAINYARD_HOME", "s3://bucket/a")
    with pytest.raises(TrainyardError, match="TRAINYARD_HOME"), demo_settings(load_settings()):
        pass


ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:DeleteObject"}


def test_the_policy_allows_what_is_asked_and_no_more(machine):
    before = len(bucket.asked)
    test_what_was_removed_is_removed_everywhere(machine)
    asked = bucket.asked[before:]
    made = {"s3:ListBucket" if "list-type" in target else ACTIONS[method] for method, target in asked}
    statements = json.loads(POLICY.read_text())["Statement"]
    allowed = {action for each in statements for action in each["Action"]}
    assert made | {"s3:AbortMultipartUpload"} == allowed
