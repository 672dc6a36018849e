"""The plan past one machine: its arithmetic on figures that are computed by hand here, and the page it writes."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.capacity import (
    FLEETS,
    RESOURCES,
    Fleet,
    Growth,
    Measured,
    Plan,
    accounts_at_limit,
    accounts_of_a_home,
    first_bottleneck,
    read_measured,
)
from benchmarks.measure import RESULTS
from benchmarks.plan import PAGE, REMEDIES, page
from pipelines.errors import TrainyardError

# 20 sources, 200 partitions, 100,000 jobs a month.
FLEET = Fleet("a fleet", accounts=10, regions=2, months=10, jobs=1_000_000, share_changed_after_end=0.5)
MEASURED = Measured(
    cores=2,
    jobs_built=(1_000,),
    latency_seconds=0.1,
    first_calls_a_job=0.01,
    first_seconds_a_call=0.1,
    first_cpu_seconds_a_call=0.02,
    quiet_calls_a_source=1,
    quiet_seconds_a_source=0.4,
    changed_calls_a_document=0.01,
    flatten_cpu_seconds_a_document=0.0001,
    document_bytes=4_000,
    raw_bytes_a_document=250,
    raw_bytes_a_document_of_small_batches=300,
    transitions_a_job=5,
    mean_life_hours=3,
    lake_files_a_partition=25,
    lake_files_a_change=10,
    lake_bytes_a_job=300,
    lake_bytes_a_file=1_000,
    rewrite_cpu_seconds_a_job=0.00005,
    rewrite_cpu_seconds_a_file=0.002,
    open_cpu_seconds_a_file=0.001,
    manifest_bytes_a_file=100,
    manifest_cpu_seconds_a_file=0.00001,
    manifest_memory_bytes_a_file=200,
    settled_bytes_a_file=1_800,
    model_bytes_a_job=1_000,
    lake_check_cpu_seconds_a_job=0.00002,
    account_cpu_seconds=0.5,
    account_memory_bytes=20_000_000,
    dagster_bytes_a_run=1_000_000,
    empty_run_cpu_seconds=20,
    metric_calls_a_job=0.04,
    metric_points_a_job=1_000,
    metric_bytes_a_point=4,
    part_seconds=Growth.through({100_000: 10}),
    other_seconds=Growth.through({1_000_000: 55}, 5),
    publish_seconds=Growth.through({1_000_000: 101}, 1),
    republish_seconds=Growth.through({1_000_000: 92}, 2),
    build_memory_bytes=Growth.through({1_000_000: 1_100_000_000}, 100_000_000),
    publish_memory_bytes=Growth.through({1_000_000: 2_100_000_000}, 100_000_000),
    published_bytes=Growth.through({1_000_000: 2_000_000_000}),
)
PLAN = Plan(FLEET, MEASURED)
# 4.5 versions of each job: one that is found, three while it lives three hours, half a one after it. 1,000,000 jobs in
# ten months, each a twelfth of 365 days: 3,287.67 a day, of which 14,794.52 versions are seen, 616.44 in each hour.
DOCUMENTS_A_DAY = 1_000_000 / 10 * 12 / 365 * 4.5


@pytest.mark.parametrize(
    ("figure", "by_hand"),
    [
        ("first_calls", 10_020),
        ("first_seconds_by_the_limit", 100.2),  # 501 calls each, five a second
        ("first_seconds_in_turns", 125.25),  # 16 sources at once: 80 calls a second
        ("first_cpu_seconds", 200.4),
        ("first_harvest_seconds", 200.4),
        ("first_bytes", 4_000_000_000),
        ("raw_bytes", 250_000_000),
        ("first_commits", 40),
        ("first_manifests_cpu_seconds", 1.1),  # 40 commits x 2,750 files
        ("first_manifests_bytes", 11_000_000),
        ("first_flatten_cpu_seconds", 101.1),
        ("first_build_seconds", 256),  # 100 and 55, and 101 to publish
        ("versions_a_job", 4.5),
        ("documents_a_day", DOCUMENTS_A_DAY),
        ("quiet_calls_a_day", 480),
        ("changed_calls_a_day", DOCUMENTS_A_DAY / 100),
        ("calls_a_second_of_a_source", (480 + DOCUMENTS_A_DAY / 100) / 20 / 86_400),
        ("received_bytes_a_day", DOCUMENTS_A_DAY * 4_000),
        ("raw_bytes_a_day", DOCUMENTS_A_DAY * 300),
        ("touched_sources", 20),  # 31 documents each: hardly one has none
        ("raw_files_a_day", 480),
        # In each of 22 months 6.75 MB of each source are one file; a month's batches are not merged yet.
        ("raw_files", 22 * 20 + 365 / 12 * 480),
        # Clients, looks of 0.4 s, and 6.16 calls of 0.2 s, 16 at once.
        ("harvest_seconds", 5 + (8 + DOCUMENTS_A_DAY / 24 * 0.01 * 0.2) / 16),
        ("rewritten_jobs", 50_000),
        ("written_files", 200),
        # 700 files opened, documents, 2.5 s for rows, 0.4 s for files, one manifest of 5,500 files.
        ("commit_seconds", 0.7 + DOCUMENTS_A_DAY / 24 * 0.0001 + 2.5 + 0.4 + 0.055),
        ("lake_check_seconds", 10),
        ("build_seconds", 65),  # 10 for this month, 55 for all
        ("publish_seconds", 101),
        ("republish_seconds", 92),
        ("partitions", 200),
        ("lake_files", 5_500),  # of 200 partitions and the 20 that have new rows beside
        ("lake_bytes", 305_500_000),
        ("overhead_share", 5.5 / 305.5),
        ("open_all_seconds", 2.75),
        ("manifest_bytes", 550_000),
        ("settled_bytes", 9_900_000),
        ("lists_memory_bytes", 11_000_000),
        ("clients_memory_bytes", 200_000_000),
        ("build_memory_bytes", 1_100_000_000),
        ("publish_memory_bytes", 2_100_000_000),
        ("model_bytes", 1_000_000_000),
        ("published_bytes", 2_000_000_000),
        ("superseded_bytes", 6 * (15_000_000 + 100_000_000)),
        ("metric_first_calls", 40_000),  # no job is older than 455 days
        ("metric_points_a_day", 1_000_000 / 10 * 12 / 365 * 1_000),
        # Each hour one call of each source, and the full ones of 500 metrics and 60 minutes.
        ("metric_calls_a_day", 480 + 1_000_000 / 10 * 12 / 365 * 1_000 / 30_000),
        ("metric_bytes", 4_800_000_000),
        ("parts", 10),
        # 15,040 raw batches and 10 parts of each model by month: 16 listings, three times; 6 and 1 to remove.
        ("listings", 3 * 16 + 7),
    ],
)
def test_a_figure_is_as_computed_by_hand(figure, by_hand):
    assert getattr(PLAN, figure) == pytest.approx(by_hand, rel=1e-9)


def test_what_is_made_of_other_figures():
    assert PLAN.run_seconds == pytest.approx(PLAN.harvest_seconds + PLAN.commit_seconds + 10 + 65 + 92 + 20)
    layers = 250e6 + 365 * DOCUMENTS_A_DAY * 300 + 305.5e6 + 1e9 + 690e6 + 2 * 2e9
    assert PLAN.disk_bytes == pytest.approx(layers + PLAN.dagster_bytes)
    assert 7 * 24 * 1_000_000 < PLAN.dagster_bytes < 7 * 24 * 1_010_000
    # 239 parts of 8 MiB and 3, 20 sources with a batch each, 200 files of the lake and its manifest, the models, and
    # the lists of the files of 28 tables and the marts.
    lists = 28 + len([path for path in _models() if path.parent.name == "marts"])
    assert PLAN.transfers == pytest.approx(239 + 3 + 20 + 20 + 200 + 1 + len(_models()) + lists)
    assert PLAN.bucket_seconds == pytest.approx((55 + PLAN.transfers / 16) * 0.1 + 16)
    assert PLAN.requests_a_run == pytest.approx(30 + 55 + PLAN.transfers + PLAN.run_seconds / 15)


def _models():
    return [path for schema in ("staging", "marts") for path in (PAGE.parents[1] / "sql" / schema).glob("*.sql")]


@pytest.mark.parametrize(
    ("measured", "at_none", "jobs", "value"),
    [
        ({100: 10.0}, 0, 1_000, 100),
        ({100: 10.0}, 5, 1_000, 55),
        ({100: 10.0, 1_000: 28.0, 10_000: 118.0}, 5, 100_000, 1_018),  # 10 for a thousand, from the largest two
        ({100: 10.0, 1_000: 9.0}, 0, 100_000, 10),
        ({100: 10.0, 1_000: 9.0, 10_000: 20.0}, 0, 1_900, 11),
        ({100: 10.0, 1_000: 28.0}, 5, 0, 5),
        ({100: 10.0, 1_000: 28.0}, 5, 40, 7),
        ({100: 10.0, 1_000: 28.0}, 5, 100, 10),
        ({100: 10.0, 1_000: 28.0, 10_000: 118.0}, 5, 550, 19),
    ],
)
def test_growth_is_as_measured_and_goes_on_through_the_largest_sizes(measured, at_none, jobs, value):
    assert Growth.through(measured, at_none).at(jobs) == pytest.approx(value)


def test_what_cloudwatch_has_forgotten_is_not_asked_for():
    long = replace(FLEET, months=30)
    assert Plan(long, MEASURED).metric_first_calls == pytest.approx(1_000_000 * 455 / (30 * 365 / 12) * 0.04)


def test_the_first_bottleneck_is_what_there_is_least_of():
    assert first_bottleneck(PLAN).name == "publishing"  # 92 s of 3,600
    of_much_memory = replace(MEASURED, account_memory_bytes=8 * 2**30 / 5)
    assert first_bottleneck(Plan(FLEET, of_much_memory)).name == "memory of clients"


def test_how_many_accounts_a_resource_suffices_for():
    by_name = {resource.name: resource for resource in RESOURCES}
    assert accounts_at_limit(by_name["publishing"], PLAN) == 399  # 100,000 jobs each: (3,600 s - 2 s) / 9 s
    assert accounts_at_limit(by_name["memory of clients"], PLAN) == 429  # 8 GiB / 20 MB
    assert accounts_at_limit(by_name["calls of a source"], PLAN) is None
    within = accounts_of_a_home(PLAN)
    assert 0 < within < 399
    hour = by_name["a run as a whole"]
    assert [hour.ratio(Plan(FLEET.with_accounts(n), MEASURED)) <= 1 for n in (within, within + 1)] == [True, False]


def test_every_limit_has_its_remedy():
    assert set(REMEDIES) == {resource.name for resource in RESOURCES}


def test_builds_of_more_jobs_make_the_lines(tmp_path):
    results = _copied_results(tmp_path)
    builds = json.loads((results / "builds.json").read_text())
    (jobs, steps), *_ = builds.items()
    more = 10 * int(jobs)
    larger = json.loads(json.dumps(steps))
    larger["publish"]["wall_seconds"] = steps["publish"]["wall_seconds"] + 9
    (results / "builds.json").write_text(json.dumps({jobs: steps, f"{more}": larger}))
    measured = read_measured(results)
    assert measured.jobs_built == (int(jobs), more)
    assert measured.publish_seconds.a_job == pytest.approx(1 / int(jobs))
    assert measured.build_memory_bytes.a_job == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("calls", "{}"),
        ("flatten", "{}"),
        ("builds", "{}"),
        ("builds", '{"100": {}}'),
        ("footprint", "{}"),
        ("metric_calls", "{}"),
    ],
)
def test_what_was_not_measured_is_named(name, content, tmp_path):
    results = _copied_results(tmp_path)
    file = results / f"{name}.json"
    file.write_text(content)
    with pytest.raises(TrainyardError, match=rf"{name}\.json does not tell .+: `python -m benchmarks\.{name}`"):
        read_measured(results)
    file.unlink()
    with pytest.raises(TrainyardError, match=rf"there is no .+{name}\.json: `python -m benchmarks\.{name}`"):
        read_measured(results)


def _copied_results(folder: Path) -> Path:
    return Path(shutil.copytree(RESULTS, folder / "results"))


def test_the_committed_page_is_what_would_be_written():
    assert PAGE.read_text("utf-8") == page(read_measured(RESULTS)), "`make plan` writes it anew"


def test_the_page_names_the_first_bottleneck_of_each_fleet():
    measured = read_measured(RESULTS)
    named = dict(re.findall(r"^- \*\*(.+?): (.+?)\*\*", PAGE.read_text("utf-8"), flags=re.MULTILINE))
    assert named == {fleet.name: first_bottleneck(Plan(fleet, measured)).name for fleet in FLEETS}


def test_links_lead_somewhere():
    text = PAGE.read_text("utf-8")
    targets = set(re.findall(r"\]\(([^)]+)\)", text))
    assert targets
    for target in targets:
        path, _, heading = target.partition("#")
        linked = (PAGE.parent / path).read_text("utf-8")
        headings = [found.lower().replace(" ", "-") for found in re.findall(r"^#+ (.+)$", linked, flags=re.MULTILINE)]
        assert not heading or heading in headings, target
