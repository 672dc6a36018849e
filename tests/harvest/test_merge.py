"""Raw's batches of months that are over become few, and what they hold stays as it was received, in its order."""

import json
import os
from datetime import UTC, datetime

import pytest

from pipelines.harvest import merge
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.harvest.merge import FEW, merge_months
from pipelines.home import Home
from pipelines.lake.load import load, reload
from pipelines.lake.manifest import Manifest, replace_manifest
from tests.main_job import lake

SOURCE = "012345678901-eu-west-1"
ARN = "arn:aws:sagemaker:eu-west-1:012345678901:training-job/"
DAYS_OF_MONTHS = {"2026-05": 31, "2026-06": 30, "2026-07": 3}


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def received(home, month, day, hour=0, source=SOURCE, label=None):
    """A batch of one job, as a run at that hour leaves it."""
    at = datetime.fromisoformat(f"{month}-{day:02}T{hour:02}:00:00Z").timestamp()
    name = f"job-{day}" if hour else f"job-{month}-{day}"  # those of later hours are told of again
    document = {"TrainingJobArn": ARN + name, "CreationTime": at, "LastModifiedTime": at, "FailureReason": f"{at}"}
    observation = Observation(at + 60, json.dumps(document).encode())
    return RawArchive(home.raw).append(source, [observation], round(at * 1e6), label)


def fill(home, hours=(0, 12)):
    for month, days in DAYS_OF_MONTHS.items():
        for day in range(1, days + 1):
            for hour in hours:
                received(home, month, day, hour)


def lines(home, source=SOURCE):
    archive = RawArchive(home.raw)
    return [line for batch in archive.batches(source) for line in archive.read(batch)]


def months(home):
    """How many files there are of each month."""
    counted = {}
    for path in home.raw.glob("source=*/*"):
        instant = datetime.fromtimestamp(int(path.name.split("-")[1].split(".")[0]) / 1e6, UTC)
        counted[f"{instant:%Y-%m}"] = counted.get(f"{instant:%Y-%m}", 0) + 1
    return counted


def test_a_month_that_is_over_is_one_file_with_all_that_was_received(home):
    fill(home)
    load(home)
    before, tables = lines(home), lake(home)
    watermark = RawArchive(home.raw).watermark(SOURCE)
    assert merge_months(home) == 2 * (31 + 30)
    assert months(home) == {"2026-05": 1, "2026-06": 1, "2026-07": 6}
    assert lines(home) == before
    assert RawArchive(home.raw).watermark(SOURCE) == watermark
    assert merge_months(home) == 0
    assert load(home).documents == 0
    received(home, "2026-07", 9)
    assert load(home).documents == 1
    assert lines(home)[:-1] == before
    reload(home)
    assert len(lake(home)["training_jobs"]) == len(tables["training_jobs"]) + 1


def test_what_is_not_in_the_lake_yet_and_the_last_that_is_stay(home):
    for day in range(1, 31):
        received(home, "2026-05", day)
    load(home)
    for day in range(1, 31):
        received(home, "2026-06", day)
    assert merge_months(home) == 0
    load(home)
    received(home, "2026-07", 1)
    assert merge_months(home) == 30  # the lake goes on after the last of June
    assert months(home) == {"2026-05": 1, "2026-06": 30, "2026-07": 1}


def test_a_few_and_what_was_imported_stay(home):
    for day in range(1, FEW + 1):
        received(home, "2026-05", day)
    for day in range(10, 20):
        received(home, "2026-05", day, source="import", label=f"{day:x}")
    for source, label in ((SOURCE, None), ("import", "ff")):
        received(home, "2026-07", 1, source=source, label=label)
    load(home)
    assert merge_months(home) == 0
    # An imported file in their midst keeps them apart.
    for day in range(1, 21):
        received(home, "2026-08", day, label="ab" if day == 10 else None)
    received(home, "2026-09", 1)
    load(home)
    before = lines(home)
    assert merge_months(home) == 9 + 10
    assert months(home)["2026-08"] == 3
    assert lines(home) == before
    assert RawArchive(home.raw).labels(SOURCE) == {"ab"}


def test_what_a_killed_process_left_of_merged_batches_counts_no_more(home):
    fill(home, hours=(0,))
    load(home)
    before, tables = lines(home), lake(home)
    kept = {path: path.read_bytes() for path in home.raw.glob("source=*/*")}
    merge_months(home)
    for path, content in kept.items():
        path.write_bytes(content)
    assert lines(home) == before
    merge_months(home)
    assert lines(home) == before
    received(home, "2026-07", 9)
    assert lines(home)[:-1] == before
    RawArchive(home.raw).batches(SOURCE)[-1].unlink()
    reload(home)
    assert lake(home) == tables


def test_a_month_with_a_damaged_batch_stays_as_it_is(home):
    fill(home)
    load(home)
    batch = RawArchive(home.raw).batches(SOURCE)[3]
    content = batch.read_bytes()
    os.truncate(batch, len(content) // 2)
    merge_months(home)
    assert months(home) == {"2026-05": 62, "2026-06": 1, "2026-07": 6}
    batch.write_bytes(content)
    merge_months(home)
    assert months(home)["2026-05"] == 1


def test_files_are_no_larger_than_can_be_read_at_once(home, monkeypatch):
    fill(home)
    load(home)
    before = lines(home)
    size = max(path.stat().st_size for path in home.raw.glob("source=*/*"))
    monkeypatch.setattr(merge, "MOST_BYTES", 10 * size)
    merge_months(home)
    assert 6 <= months(home)["2026-05"] <= 8
    assert lines(home) == before


def test_a_year_of_runs_every_day_leaves_a_few_files_a_month(home):
    for month in range(1, 13):
        for day in range(1, 29):
            batch = received(home, f"2025-{month:02}", day)
            replace_manifest(home.lake, Manifest(flattened={SOURCE: batch.name}))
            merge_months(home)
    assert months(home) == {f"2025-{month:02}": 1 for month in range(1, 12)} | {"2025-12": 28}
    assert len(lines(home)) == 12 * 28
