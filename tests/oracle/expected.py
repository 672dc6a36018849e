"""Rows of marts against the answers that came with a real fleet, computed from its original log without a database.

The rows may be the oracle's or the warehouse's. The answers count GPUs as the nodes of the log had them: whoever makes
the rows sees to it that the instance types have as many (`GPUS_OF_LOG`).

Everything that the answers tell of time in use leaves open jobs out, the hourly concurrency and the peaks too (found by
computing them with and without). The marts count open jobs up to the instant they were observed, so here what open jobs
used, as `fct_training_jobs` tells it, is taken off the marts' hours and means again. A peak cannot be split so where an
open job starts in the midst of the hour: those hours' peaks are compared of a fleet without its open jobs alone
(`check_over_time`). The greatest peak of all is compared in its own hour, and no other hour may be above it. Its
instant is found by the runs in `fct_training_jobs`, as is whatever else no mart sums up.

Not compared, for the documents do not have it: fractions of GPUs, and the names that the logs have for statuses.
"""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil

import pytest

from tests.oracle.instance_types import GPUS
from tests.oracle.statistics import wilson

# The nodes of Eagle's log that ml.g4dn.12xlarge stands for had 2.
GPUS_OF_LOG = GPUS | {"ml.g4dn.12xlarge": 2}

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SIZES = {"jobs": lambda job: 1, "instances": lambda job: job["instance_count"], "gpus": lambda job: job["gpu_count"]}


def check_against_expected(marts, expected):
    """Assert that marts (name -> rows, at least those read here) agree with the answers for one fleet."""
    jobs = marts["fct_training_jobs"]
    check_jobs(jobs, expected)
    check_run_times(*marts["run_time"], jobs, expected["run_seconds"])
    check_visits(marts, expected)
    check_final_statuses(marts["final_status_shares"], expected)
    check_failure_rates(marts, expected)
    check_queue_wait(*marts["queue_wait"], jobs, expected)
    check_over_time(marts, expected)
    check_reliability(marts, expected)
    check_tuning(marts["tuning_jobs"], expected)


def check_over_time(marts, expected):
    jobs = marts["fct_training_jobs"]
    open_runs = [(job["started_at"], job["run_end_at"], job) for job in jobs if job["is_open"] and job["is_started"]]
    check_by_day(marts["utilization_daily"], open_runs, expected)
    for measure in ("instance_hours", "gpu_hours"):
        of_all = sum(row[measure] for row in marts["fleet_utilization_hourly"])
        same(of_all - sum(job[measure] for _, _, job in open_runs), expected[f"{measure}_total"])
    check_concurrency(marts["fleet_utilization_hourly"], open_runs, expected)
    check_peaks([job for job in jobs if job["is_ended"] and job["is_started"]], expected["overall_peak"])


def check_jobs(jobs, expected):
    ran = [job for job in jobs if job["is_started"] and job["is_ended"]]
    assert len(jobs) == expected["total_jobs"]
    assert sum(job["is_started"] for job in jobs) == expected["started_jobs"]
    assert sum(job["is_never_started"] for job in jobs) == expected["never_started_jobs"]
    assert sum(job["is_open"] for job in jobs) == expected["open_jobs"]
    assert sum(job["run_seconds"] == 0 for job in ran) == expected["zero_length_jobs"]
    assert Counter(job["training_job_status"] for job in jobs) == expected["status_counts_all"]
    assert Counter(job["training_job_status"] for job in ran) == expected["status_counts_started_and_ended"]
    assert min(job["creation_time"] for job in jobs).date().isoformat() == expected["first_submit"]
    assert max(job["run_end_at"] for job in ran).date().isoformat() == expected["last_end"]
    for measure in ("instance_hours", "gpu_hours"):
        same(_sums(ran, lambda job: job["training_job_status"], measure), expected[f"{measure}_by_status"])
        same(sum(job[measure] for job in ran), expected[f"{measure}_total"])


def check_run_times(run_time, jobs, wanted):
    lengths = [job["run_seconds"] for job in jobs if job["run_seconds"] is not None]
    assert run_time["ended_runs"] == len(lengths) == wanted["n"]
    for column, name in (("mean", "mean"), ("p50", "median"), ("p90", "p90")):
        same(run_time[f"{column}_seconds"], wanted[name])
    assert (sum(lengths), max(lengths)) == (wanted["sum"], wanted["max"])


def check_visits(marts, expected):
    ended = {job["training_job_arn"] for job in marts["fct_training_jobs"] if job["is_ended"]}
    visits = marts["fct_secondary_status_visits"]
    of_ended = [visit for visit in visits if visit["training_job_arn"] in ended]
    wanted = expected["seconds_in_secondary_status"]
    by_status = _sums(visits, lambda visit: visit["secondary_status"], "duration_seconds")
    by_status_of_ended = _sums(of_ended, lambda visit: visit["secondary_status"], "duration_seconds")
    same(by_status["Pending"], wanted["Pending"])
    same(by_status_of_ended["Training"], wanted["Training_closed"])
    same(_sums(marts["secondary_status_time"], lambda row: row["secondary_status"], "seconds"), by_status)
    same(_sums(marts["secondary_status_time_daily"], lambda row: row["secondary_status"], "seconds"), by_status)


def check_final_statuses(rows, expected):
    """The answers have a share of those that started, of each status that some of them have."""
    found = {row["training_job_status"]: row for row in rows if row["started_jobs"]}
    counts = {status: row["started_jobs"] for status, row in found.items()}
    assert counts == expected["status_counts_started_and_ended"]
    shares = {status: row["started_job_share"] for status, row in found.items()}
    same(shares, expected["status_share_started_and_ended"])


def check_failure_rates(marts, expected):
    (rates,) = marts["failure_rates"]
    wanted = expected["failure_rate"]
    assert rates["submitted_jobs"] == expected["total_jobs"]
    assert rates["started_and_ended_jobs"] == wanted["ended"]
    assert rates["failed_jobs"] == wanted["failed"]
    assert rates["completed_jobs"] + rates["failed_jobs"] == wanted["strict_denominator"]
    same(rates["failure_rate"], wanted["rate"])
    same(rates["failure_rate_strict"], wanted["rate_strict"])
    # The lower end of no failures at all is 0, give or take a rounding.
    assert [rates["failure_rate_low"], rates["failure_rate_high"]] == pytest.approx(wanted["wilson95"], 1e-9, 1e-15)

    months = defaultdict(Counter)
    for row in marts["failure_rates_monthly"]:
        months[f"{row['date']:%Y-%m}"].update(
            ended=row["started_and_ended_jobs"], failed=row["started_and_failed_jobs"]
        )
    ended_months = {month: counts for month, counts in months.items() if counts["ended"]}
    assert ended_months.keys() == expected["failure_rate_by_end_month"].keys()
    for month, counts in ended_months.items():
        wanted = expected["failure_rate_by_end_month"][month]
        assert counts == {"ended": wanted["ended"], "failed": wanted["failed"]}
        # The mart's rates are of a month's instance types: of the whole month the same follows from its counts.
        same(counts["failed"] / counts["ended"], wanted["rate"])
        assert wilson(counts["failed"], counts["ended"]) == pytest.approx(wanted["wilson95"], 1e-9, 1e-15)


def check_queue_wait(wait, jobs, expected):
    wanted = expected["queue_wait_seconds"]
    assert wait["started_jobs"] == wanted["n"]
    assert wait["never_started_jobs"] == expected["never_started_jobs"]
    for column, name in (("mean", "mean"), ("p50", "median"), ("p90", "p90"), ("p99", "p99")):
        same(wait[f"{column}_seconds"], wanted[name])
    same(wait["km_p50_seconds"], expected["queue_wait_kaplan_meier"]["median"])
    same(wait["km_p90_seconds"], expected["queue_wait_kaplan_meier"]["p90"])
    same(wait["abandoned_seconds"], expected["abandoned_queue_seconds"])
    waits = sorted(job["queue_wait_seconds"] for job in jobs if job["is_started"])
    assert (sum(waits), max(waits)) == (wanted["sum"], wanted["max"])
    for name, share in (("median_disc", Fraction(1, 2)), ("p90_disc", Fraction(9, 10))):
        assert waits[ceil(share * len(waits)) - 1] == wanted[name]


def check_by_day(rows, open_runs, expected):
    for measure, size in (("instance_hours", SIZES["instances"]), ("gpu_hours", SIZES["gpus"])):
        found = _sums(rows, lambda row: row["date"], measure)
        for day in found:
            found[day] -= _hours(open_runs, size, datetime(day.year, day.month, day.day), DAY)
        wanted = {datetime.fromisoformat(day).date(): hours for day, hours in expected[f"{measure}_by_day"].items()}
        for day in found.keys() | wanted.keys():
            assert found.get(day, 0) == pytest.approx(wanted.get(day, 0), 1e-9, 1e-9), (measure, day)


def check_concurrency(rows, open_runs, expected):
    hours = {row["hour"]: row for row in rows}
    for measure, size in SIZES.items():
        peaks_without_open = {
            hour: row[f"peak_{measure}"] - _level(open_runs, size, hour)
            for hour, row in hours.items()
            if not any(hour < start < hour + HOUR for start, _, _ in open_runs)
        }
        for text, peak, mean in expected["concurrency_week"][measure]:
            hour = _instant(text)
            # Hours outside the days of the fleet have no row.
            found = hours[hour][f"mean_{measure}"] - _hours(open_runs, size, hour, HOUR) if hour in hours else 0
            # These means were rounded to six decimals.
            assert found == pytest.approx(mean, 1e-9, 0.6e-6), (measure, text)
            if hour in peaks_without_open or hour not in hours:
                assert peaks_without_open.get(hour, 0) == peak, (measure, text)
        overall = expected["overall_peak"][measure]
        assert max(peaks_without_open.values()) <= overall["peak"], measure
        at = _instant(overall["at"]).replace(minute=0, second=0)
        assert peaks_without_open.get(at, overall["peak"]) == overall["peak"], measure


def check_peaks(jobs, expected):
    """The greatest level of all, and the first instant that has it."""
    for measure, size in SIZES.items():
        changes = Counter()
        for job in jobs:
            changes[job["started_at"]] += size(job)
            changes[job["run_end_at"]] -= size(job)
        level, levels = 0, {}
        for instant in sorted(changes):
            level = levels[instant] = level + changes[instant]
        peak = max(levels.values())
        assert peak == expected[measure]["peak"]
        assert next(at for at, level in levels.items() if level == peak) == _instant(expected[measure]["at"])


def check_reliability(marts, expected):
    """Failures for the time in use, waste and retries."""
    (rate,) = (
        row for row in marts["failures_per_node_days"] if (row["size_bucket"], row["failure_scope"]) == ("all", "all")
    )
    wanted = expected["failures_per_1000_node_days"]
    assert rate["failures"] == wanted["failed"]
    # The answers count the days of ended jobs alone.
    same(rate["ended_node_days"], wanted["node_days"])
    same(rate["failures_per_1000_ended_node_days"], wanted["rate"])
    interval = [rate[f"failures_per_1000_ended_node_days_{end}"] for end in ("low", "high")]
    assert interval == pytest.approx(wanted["poisson95"], 1e-9)
    if rate["failures"]:
        same(rate["mttf_ended_node_hours"], wanted["mtbf_node_hours"])
    else:
        assert (rate["mttf_ended_node_hours"], wanted["mtbf_node_hours"]) == (None, None)

    wasted = sum(
        row["wasted_instance_hours"] + row["user_stopped_instance_hours"]
        for row in marts["wasted_instance_hours"]
        if row["waste"] in ("failed_job", "stopped_job")
    )
    same(wasted, expected["wasted_instance_hours"])
    same(1 - wasted / expected["instance_hours_total"], expected["goodput_share_by_instance_hours"])

    if "retry_chains" in expected:
        chains = marts["fct_retry_chains"]
        works = _sums(chains, lambda row: (row["account_id"], row["role_arn"], row["program"]), "jobs")
        last_of_retried = [row["training_job_status"] for row in chains if row["retries"]]
        assert {
            "groups": len(works),
            "groups_with_more_than_one_job": sum(jobs > 1 for jobs in works.values()),
            "retries": sum(row["retries"] for row in chains),
            # What is retried did not complete: only the last of a chain can have.
            "retries_that_completed": last_of_retried.count("Completed"),
            "longest_chain": max(row["jobs"] for row in chains),
        } == expected["retry_chains"]


def check_tuning(rows, expected):
    """Each tuning job by its name; ``at`` is where most of its jobs first ran at once."""
    found = {row["parent_job_arn"].rsplit("/", 1)[1]: row for row in rows if row["parent_kind"] == "tuning"}
    wanted = expected.get("tuning_jobs", {})
    assert found.keys() == wanted.keys()
    for name, row in found.items():
        statuses = {status: row[f"{status.lower()}_jobs"] for status in ("Completed", "Failed", "Stopped")}
        assert row["jobs"] == wanted[name]["children"]
        assert {status: jobs for status, jobs in statuses.items() if jobs} == wanted[name]["status_counts"]
        same(row["instance_hours"], wanted[name]["instance_hours"])
        same(row["makespan_seconds"], wanted[name]["makespan_seconds"])
        assert row["peak_jobs"] == wanted[name]["max_parallel"]["peak"]
        assert row["peak_at"] == _instant(wanted[name]["max_parallel"]["at"])


def same(found, wanted):
    assert found == pytest.approx(wanted, rel=1e-9)


def _sums(rows, key, column):
    sums = defaultdict(float)
    for row in rows:
        sums[key(row)] += row[column] or 0
    return dict(sums)


def _level(runs, size, instant):
    return sum(size(job) for start, end, job in runs if start <= instant < end)


def _hours(runs, size, start, width):
    """Hours x size that the runs spend in a bucket."""
    nothing = timedelta(0)
    spent = sum(
        (size(job) * max(nothing, min(end, start + width) - max(run_start, start)) for run_start, end, job in runs),
        nothing,
    )
    return spent / HOUR


def _instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=None)
