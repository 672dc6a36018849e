"""What the page is told is what the marts say, adds up however coarsely it is told, and is small whatever the fleet."""

import json
import re
import stat

import duckdb
import pytest

from pipelines.dashboard.facts import FINGERPRINTS, GRAINS, IDLE, QUOTAS, ROWS_AT_MOST, WAITS_FROM, Grain, facts_of
from pipelines.dashboard.inline import embedded, inline_script
from tests.dashboard.warehouses import altered, emptied

SUMS = {
    ("utilization", "submitted_jobs"): "select sum(submitted_jobs) from marts.utilization_daily",
    ("utilization", "instance_hours"): "select sum(instance_hours) from marts.utilization_daily",
    ("utilization", "gpu_hours"): "select sum(gpu_hours) from marts.utilization_daily",
    ("utilization", "billable_instance_hours"): "select sum(billable_instance_hours) from marts.utilization_daily",
    ("failures", "started_and_failed_jobs"): "select started_and_failed_jobs from marts.failure_rates",
    ("failures", "started_and_ended_jobs"): "select started_and_ended_jobs from marts.failure_rates",
    ("statuses", "seconds"): "select sum(seconds) from marts.secondary_status_time_daily",
    ("waits", "jobs"): "select count(*) from marts.fct_training_jobs",
    ("fingerprints", "jobs"): "select sum(jobs) from (select sum(jobs) as jobs from marts.failure_fingerprints"
    f" group by failure_fingerprint order by 1 desc limit {FINGERPRINTS})",
    ("goodput", "instance_hours"): "select sum(instance_hours) from marts.goodput_monthly",
    ("spot", "interruptions"): "select sum(interruptions) from marts.spot_savings_monthly",
    ("waste", "instance_hours"): "select sum(wasted_instance_hours) from marts.wasted_instance_hours",
    ("quality", "flawed_jobs"): "select sum(flawed_jobs) from marts.data_quality",
    ("idle", "idle_gpu_hours"): "select sum(idle_gpu_hours) from (select idle_gpu_hours from marts.idle_gpu_jobs"
    f" order by idle_gpu_hours desc limit {IDLE})",
    ("costs", "list_cost"): "select sum(list_cost) from marts.list_costs_daily",
    ("costs", "billed_instance_hours"): "select sum(billed_instance_hours) from marts.list_costs_daily"
    " where not is_prepaid",
    ("quotas", "seconds_at_quota"): "select sum(seconds) from (select sum(seconds_at_quota) as seconds"
    " from marts.quota_utilization_daily where date > (select max(date) - 30 from marts.quota_utilization_daily)"
    " group by account_id, region, instance_type, is_spot, kind"
    f" having max(peak_instances) > 0 or sum(waited_jobs_at_quota) > 0 order by 1 desc limit {QUOTAS})",
    ("stuck", "age_seconds"): "select sum(age_seconds) from marts.stuck_jobs",
    ("stuck_counts", "jobs"): "select count(*) from marts.stuck_jobs",
}


def column(facts, table, name):
    values = facts["tables"][table][name]
    return values if isinstance(values, list) else [values["values"][code] for code in values["codes"]]


@pytest.mark.parametrize("grain", [GRAINS[0], GRAINS[2], Grain(0, 13, 1)], ids=str)
def test_sums_are_those_of_the_marts(made_home, grain):
    facts = facts_of(made_home.warehouse, [grain])
    with duckdb.connect(str(made_home.warehouse), read_only=True) as connection:
        for (table, measure), sql in SUMS.items():
            ((expected,),) = connection.execute(sql).fetchall()
            found = sum(value for value in column(facts, table, measure) if value is not None)
            assert found == pytest.approx(float(expected), abs=0.05), (table, measure)
    names = {
        name: set(column(facts, "groups", name)) - {None, "other"} for name in ("account", "region", "instance_type")
    }
    assert max(map(len, names.values())) <= grain.names


def test_each_run_puts_them_into_the_page(made_home):
    (text,) = re.findall(r'<script type="application/json" id="facts">(.*?)</script>', made_home.dashboard.read_text())
    assert json.loads(text) == json.loads(json.dumps(facts_of(made_home.warehouse)))
    assert stat.S_IMODE(made_home.dashboard.stat().st_mode) == 0o444


def test_waits_are_in_their_classes(made_home):
    facts = facts_of(made_home.warehouse)
    found = {}
    for waited, jobs in zip(column(facts, "waits", "waited"), column(facts, "waits", "jobs"), strict=True):
        found[waited] = found.get(waited, 0) + jobs
    with duckdb.connect(str(made_home.warehouse), read_only=True) as connection:
        for at, (from_, to) in enumerate(zip(WAITS_FROM, [*WAITS_FROM[1:], 1e18], strict=True)):
            ((expected,),) = connection.execute(
                "select count(*) from marts.fct_training_jobs"
                " where queue_wait_seconds >= $1 and queue_wait_seconds < $2",
                [from_, to],
            ).fetchall()
            assert found.get(at, 0) == expected
        ((never,),) = connection.execute("select never_started_jobs from marts.queue_wait").fetchall()
    assert found[-1] == never


def test_what_is_told_apart_is_what_there_is_room_for(made_home):
    told, finely = [], facts_of(made_home.warehouse)
    for rows_at_most in (ROWS_AT_MOST, 15_000, 6_000):
        facts = facts_of(made_home.warehouse, rows_at_most=rows_at_most)
        told.append(sum(len(column(facts, name, next(iter(columns)))) for name, columns in facts["tables"].items()))
        assert told[-1] <= rows_at_most
        hours = sum(column(facts, "utilization", "instance_hours"))
        assert hours == pytest.approx(sum(column(finely, "utilization", "instance_hours")), abs=0.5)
    assert told == sorted(set(told), reverse=True)
    assert len(embedded(finely)) < 40 * told[0]


def test_hours_of_unknown_bills_are_told_as_unknown(made_home, tmp_path):
    unbilled = altered(
        made_home.warehouse,
        tmp_path / "unbilled.duckdb",
        "update marts.utilization_daily set billable_instance_hours = case when instance_hours = 0 then 0 end",
    )
    facts = facts_of(unbilled, [Grain(0, 13, 1)])
    assert {*column(facts, "utilization", "billable_instance_hours")} == {None}


def test_what_is_older_than_what_is_kept_is_told_of(made_home):
    facts = facts_of(made_home.warehouse, [Grain(7, 3, 3)])
    assert facts["kept"]["is_cut"]
    assert min(column(facts, "utilization", "start")) >= facts["kept"]["oldest"]
    assert not facts_of(made_home.warehouse)["kept"]["is_cut"]


def test_no_jobs(made_home, tmp_path):
    facts = facts_of(emptied(made_home.warehouse, tmp_path / "empty.duckdb"))
    assert facts["kept"]["newest"] is None
    assert column(facts, "build", "jobs") == [0]
    assert column(facts, "utilization", "start") == []


def test_texts_of_documents_are_cut(made_home, tmp_path):
    names = "training_job_name = repeat('x', 5000), instance_type = repeat('y', 5000)"
    long = altered(made_home.warehouse, tmp_path / "long.duckdb", f"update marts.fct_training_jobs set {names}")
    assert len(embedded(facts_of(long))) < len(embedded(facts_of(made_home.warehouse))) + 10_000


def test_nothing_in_json_or_a_script_ends_its_element():
    hostile = "</script><script>alert(1)</script><!-- <b>&amp; \u2028"
    text = embedded({hostile: [hostile]})
    assert json.loads(text) == {hostile: [hostile]}
    assert not set("<>&\u2028") & set(text)
    assert "</script" not in inline_script("a = '</script>'")
