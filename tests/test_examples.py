"""Examples answer the question that they ask: their rows against the marts, read in plain Python."""

from collections import Counter, defaultdict
from datetime import datetime, time, timedelta

import duckdb
import pytest

from pipelines.shipped import shipped
from tests.main_job import published


@pytest.fixture(scope="module")
def marts(made_home):
    return published(made_home.warehouse)


@pytest.fixture(scope="module")
def jobs(marts):
    return {job["training_job_arn"]: job for job in marts["fct_training_jobs"]}


@pytest.fixture(scope="module")
def seen_at(marts):
    return marts["build_info"][0]["newest_observed_at"]


@pytest.fixture
def ask(made_home):
    with duckdb.connect() as connection:
        connection.execute(f"attach '{made_home.warehouse}' as made (read_only)")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'made'"
        ).fetchall():
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create view {schema}.{table} as from made.{schema}.{table}")

        def ask(example, **otherwise):
            """The rows that an example answers; ``otherwise``: table -> a column's expression that replaces it."""
            for table, column in otherwise.items():
                schema, name = table.split("__")
                connection.execute(
                    f"create or replace view {schema}.{name} as select * replace ({column}) from made.{schema}.{name}"
                )
            answer = connection.execute((shipped("sql") / "examples" / f"{example}.sql").read_text("utf-8"))
            names = [column[0] for column in answer.description]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

        yield ask


def test_failures_cost_what_their_jobs_did_before_the_week_too(ask, marts, jobs):
    failed = {arn: job for arn, job in jobs.items() if job["training_job_status"] == "Failed"}
    # A week that begins in the longest of their runs.
    longest = max(failed.values(), key=lambda job: job["run_seconds"] or 0)
    since = longest["life_end_at"] - timedelta(seconds=1)
    failed = {arn: job for arn, job in failed.items() if job["life_end_at"] >= since}
    costs = [row for row in marts["fct_training_job_costs"] if row["training_job_arn"] in failed]
    costs = [row for row in costs if row["line"] == "training" and not row["is_prepaid"]]
    assert min(row["first_date"] for row in costs) < since.date()
    rows = ask("cost_of_failures", marts__build_info=f"timestamp '{since + timedelta(days=7)}' as newest_observed_at")
    assert sum(row["failed_jobs"] for row in rows) == len(failed)
    for measure in ("list_cost", "billed_instance_hours"):
        assert sum(row[measure] or 0 for row in rows) == pytest.approx(sum(row[measure] or 0 for row in costs))


def test_each_value_of_each_tag_has_what_its_jobs_used_and_cost(ask, marts, jobs, seen_at, made_documents):
    ended = {arn for arn, job in jobs.items() if job["is_ended"] and job["life_end_at"] >= seen_at - timedelta(days=30)}
    costs = Counter()
    for row in marts["fct_training_job_costs"]:
        if row["line"] == "training" and not row["is_prepaid"]:
            costs[row["training_job_arn"]] += row["list_cost"] or 0
    expected = defaultdict(lambda: [0, 0.0, 0.0])
    for document in made_documents:
        if (arn := document["TrainingJobArn"]) in ended:
            for tag in document.get("Tags") or ():
                of_value = expected[tag["Key"], tag["Value"]]
                of_value[0] += 1
                of_value[1] += jobs[arn]["instance_hours"] or 0
                of_value[2] += costs[arn]
    rows = ask("cost_by_tag")
    told = {(row["tag"], row["value"]): [row["jobs"], row["instance_hours"], row["list_cost"] or 0] for row in rows}
    assert len({tag for tag, _ in told}) > 1
    for value, figures in told.items():
        assert figures == pytest.approx(expected[value])
    for tag in {tag for tag, _ in expected}:
        of_tag = {value: figures for value, figures in expected.items() if value[0] == tag}
        here = [figures[2] for value, figures in told.items() if value[0] == tag]
        assert len(here) == min(20, len(of_tag))
        assert here == pytest.approx(sorted((figures[2] for figures in of_tag.values()), reverse=True)[:20])


def test_teams_use_hours_in_the_months_in_which_their_jobs_ran(ask, marts, seen_at):
    this_month = seen_at.date().replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    month_before = (last_month - timedelta(days=1)).replace(day=1)
    rows = ask("usage_by_team")
    for suffix, month in (("", last_month), ("_month_before", month_before)):
        days = [row for row in marts["fleet_totals_daily"] if row["date"].replace(day=1) == month]
        for measure in ("instance_hours", "gpu_hours"):
            used = sum(row[measure] or 0 for row in days)
            assert sum(row[f"{measure}{suffix}"] or 0 for row in rows) == pytest.approx(used)


def test_waits_are_told_of_types_that_hardly_any_job_started_on(ask, marts):
    rows = ask("waits_by_instance_type")
    assert len(rows) == len(marts["queue_wait_by_instance_type"])
    assert any(row["never_started_jobs"] and not row["started_jobs"] for row in rows)
    # What rests on few jobs is last.
    few = [row["started_jobs"] + row["never_started_jobs"] < 20 for row in rows]
    assert few == sorted(few)


def test_long_waits_are_told_whatever_their_last_message_says(ask, marts, jobs):
    waits = Counter()
    for visit in marts["fct_secondary_status_visits"]:
        if visit["phase"] == "queue":
            waits[visit["training_job_arn"]] += visit["duration_seconds"]
    long = sorted((jobs[arn]["creation_time"] for arn, wait in waits.items() if wait > 3600), reverse=True)
    assert [row["creation_time"] for row in ask("long_waits") if row["tells_of_capacity"]] == long[:50]
    rows = ask("long_waits", lake__secondary_status_transitions="'Preparing the instances' as status_message")
    assert [row["creation_time"] for row in rows if not row["tells_of_capacity"]] == long[:50]


def test_interrupted_hours_are_of_the_interruptions_beside_them(ask, marts, jobs):
    interruptions, hours = Counter(), Counter()
    for row in marts["spot_savings_monthly"]:
        interruptions[row["instance_type"]] += row["interruptions"]
    of_attempts = defaultdict(list)
    for visit in marts["fct_secondary_status_visits"]:
        of_attempts[visit["training_job_arn"], visit["attempt"]].append(visit)
    for (arn, _), visits in of_attempts.items():
        if jobs[arn]["is_spot"] and visits[-1]["secondary_status"] == "Interrupted":
            at_work = [visit["duration_seconds"] for visit in visits if visit["phase"] in ("setup", "run", "save")]
            hours[jobs[arn]["instance_type"]] += sum(at_work) / 3600 * jobs[arn]["instance_count"]
    rows = ask("spot_interruption_costs")
    assert {row["instance_type"]: row["interruptions"] for row in rows} == +interruptions
    found = {row["instance_type"]: row["interrupted_instance_hours"] or 0 for row in rows}
    assert found == pytest.approx({instance_type: hours[instance_type] for instance_type in found})


def test_a_quota_of_nothing_presses_too(ask, marts):
    assert any(not row["quota_instances"] for row in marts["quota_utilization_daily"])
    assert any(not row["last_quota_instances"] for row in ask("quota_pressure"))


def test_final_values_are_told_with_their_distance_from_the_median(ask):
    rows = ask("best_final_metrics")
    assert any(row["above_median"] for row in rows)
    assert all(row["above_median"] == row["greatest_value"] - row["p50_value"] for row in rows)


def test_the_busiest_day_of_a_month_has_its_active_jobs(ask, jobs):
    def is_active(job, start):
        return job["is_started"] and job["started_at"] < start + timedelta(days=1) and job["run_end_at"] > start

    rows = ask("active_jobs_by_month")
    assert len(rows) > 2
    for row in rows:
        day = datetime.combine(row["busiest_day"], time())
        assert row["most_active_jobs"] == sum(is_active(job, day) for job in jobs.values())
        assert row["busiest_day"].replace(day=1) == row["month"]
