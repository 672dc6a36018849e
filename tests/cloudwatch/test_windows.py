"""Which windows are due, and what is asked in one call: all that CloudWatch still keeps, once, within its limits."""

from random import Random

from pipelines.cloudwatch.batches import QUERIES_A_CALL, SPAN_OF_A_CALL, Need, batches
from pipelines.cloudwatch.due import Job
from pipelines.cloudwatch.windows import KEPT_SECONDS, Window, earliest, windows_due

NOW = 1_700_000_123
DAY = 24 * 3600


def job(name, hosts=1, may_have_gpus=True, metrics=(), started_at=0.0):
    return Job(
        "111122223333", "eu-west-1", "2023-11", f"arn:{name}", name, hosts, may_have_gpus, metrics, started_at, 1, 0
    )


def test_what_ended_lately_is_asked_for_by_minutes():
    assert windows_due(NOW - 7200.5, NOW - 3600.5, None, NOW) == [
        Window((NOW - 7200) // 60 * 60, (NOW - 3600) // 60 * 60 + 60, 60)
    ]


def test_what_is_older_is_asked_for_by_what_is_left():
    for age, period in ((14, 60), (16, 300), (62, 300), (64, 3600), (454, 3600)):
        ((start, end, found),) = windows_due(NOW - age * DAY, NOW - age * DAY + 600, None, NOW)
        assert found == period
        assert start <= NOW - age * DAY < NOW - age * DAY + 600 <= end
    assert windows_due(NOW - 456 * DAY, NOW - 456 * DAY + 600, None, NOW) == []


def test_a_long_run_is_cut_at_what_is_kept_without_gap_or_overlap():
    minutes, fives, hours = windows_due(NOW - 500 * DAY, None, None, NOW)
    assert [window.period_seconds for window in (minutes, fives, hours)] == [60, 300, 3600]
    assert hours.end == fives.start
    assert fives.end == minutes.start
    for window in (minutes, fives, hours):
        # Kept for a while after it was planned.
        assert 0 < window.start - (NOW - KEPT_SECONDS[window.period_seconds]) <= 2 * 3600
        assert window.start % window.period_seconds == window.end % window.period_seconds == 0


def test_the_last_minutes_are_left_to_the_next_look_and_nothing_is_asked_for_twice():
    started = NOW - 3600
    (first,) = windows_due(started, None, None, NOW)
    assert NOW - 360 < first.end <= NOW - 300
    assert windows_due(started, None, first.end, NOW) == []
    (second,) = windows_due(started, NOW + 100, first.end, NOW + 900)
    assert second.start == first.end
    assert second.end >= NOW + 100
    assert windows_due(started, NOW + 100, second.end, NOW + 900) == []
    # After so long, minutes that were held are not there again as parts of an hour.
    (late,) = windows_due(started, NOW + 20 * DAY, first.end, NOW + 70 * DAY)[-1:]
    assert first.end <= late.start < first.end + 3600


def test_the_earliest_are_taken_where_there_are_too_many():
    windows = windows_due(NOW - 500 * DAY, None, None, NOW)
    hours = (windows[2].end - windows[2].start) // 3600
    first, second = earliest(windows, hours + 2)
    assert (first, second) == (windows[2], windows[1]._replace(end=windows[1].start + 600))
    assert earliest(windows, 10**9) == windows[::-1]
    # The next look goes on where this one ended.
    *_, rest = windows_due(NOW - 500 * DAY, None, second.end, NOW)
    assert rest.start == second.end


def test_every_series_is_in_one_call_within_the_limits():
    random = Random(1)
    needs = []
    for number in range(60):
        period = random.choice([60, 300, 3600])
        start = random.randrange(2000) * 60 * period
        window = Window(start, start + random.choice([1, 30, 3000]) * period, period)
        one = job(f"j{number}", random.choice([1, 2, 200]), random.random() < 0.5, ("loss",) * (number % 2))
        needs.append(Need(one, window))
    found = list(batches(needs))
    for batch in found:
        queries = sum(len(series.statistics) for series in batch)
        windows = [series.need.window for series in batch]
        (period,) = {window.period_seconds for window in windows}
        span = (max(window.end for window in windows) - min(window.start for window in windows)) // period
        assert queries <= QUERIES_A_CALL
        assert queries * span <= SPAN_OF_A_CALL
    asked = [(series.need.job.name, series.host, series.metric_name) for batch in found for series in batch]
    wanted = [(need.job.name, series.host, series.metric_name) for need in needs for series in need.series()]
    assert sorted(asked, key=str) == sorted(wanted, key=str)
    assert list(batches([])) == []


def test_gpus_are_asked_about_where_there_may_be_some_and_maxima_where_a_mean_hides_them():
    (batch,) = batches([Need(job("a", 2, False, ("loss",)), Window(0, 300, 300))])
    assert [(series.host, series.metric_name, series.statistics) for series in batch] == [
        *[
            (host, metric, ("Average", "Maximum"))
            for host in ("algo-1", "algo-2")
            for metric in ("CPUUtilization", "MemoryUtilization", "DiskUtilization")
        ],
        (None, "loss", ("Average",)),
    ]
    (batch,) = batches([Need(job("a"), Window(0, 60, 60))])
    assert {series.statistics for series in batch} == {("Average",)}
    assert {"GPUUtilization", "GPUMemoryUtilization"} < {series.metric_name for series in batch}
    assert {series.dimension["Value"] for series in batch} == {"a/algo-1"}
