"""The page as people use it, in headless Chromium: by clicks and keys, in light and dark, on a desk and on a phone."""

import re
import shutil

import duckdb
import pytest
from playwright.sync_api import sync_playwright

from pipelines.dashboard.facts import facts_of
from pipelines.dashboard.inline import embedded
from tests.dashboard.warehouses import altered, emptied

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium: `apt install chromium`")

CHARTS = 9
HOSTILE = "</script><img src=x onerror=alert(1)><b>bold</b> \u202egnp.exe ' \" & {{x}} $x"
# Every text that is seen, with its colour and that of the nearest ground below it.
CONTRASTS = """() => {
    const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
    const luminance = (colour) => parts(colour).slice(0, 3).map((c) => c / 255)
        .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((parts(colour)[3] ?? 1) === 1) return colour;
        }
        throw new Error("no ground");
    };
    return [...document.querySelectorAll("body *")].filter((element) =>
        element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
        && !["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)
    ).map((element) => {
        const style = getComputedStyle(element), colour = element instanceof SVGElement ? style.fill : style.color;
        const [light, dark] = [luminance(colour), luminance(ground(element))].sort((a, b) => b - a);
        return [element.tagName + ": " + element.textContent.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)];
    });
}"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser):
    """Open a file; at the end nothing may have been said on its console, thrown, or asked of any other address."""
    said, pages = [], []

    def open_page(path, width=1280, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: request.url in (path.as_uri(), "data:,") or said.append(request.url))
        page.goto(path.as_uri())
        settled(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert said == []


def settled(page):
    page.wait_for_function("!document.documentElement.hasAttribute('aria-busy')")


def choose(page, **fields):
    for name, value in fields.items():
        if name in ("from", "to"):
            page.locator(f"#{name}").fill(value)
        else:
            page.get_by_label(name.replace("_", " ").capitalize(), exact=True).select_option(label=value)
    settled(page)


def figure(page, name):
    value = page.locator(f"[data-figure={name}]").get_attribute("value")
    return float(value) if value else None


def listed(page, section):
    """The rows of a section's table, as texts."""
    rows = page.locator(f"#{section} tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


def with_facts(page, facts, target):
    """The page with other facts in it."""
    begin, end = '<script type="application/json" id="facts">', "</script>"
    before, rest = page.read_text().split(begin, 1)
    target.write_text(before + begin + embedded(facts) + end + rest.split(end, 1)[1])
    return target


@pytest.fixture(scope="module")
def asked(made_home):
    with duckdb.connect(str(made_home.warehouse), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


SELECTIONS = [
    ({}, "true", "true", "true"),
    ({"account": "111122223333"}, "account_id = '111122223333'", "true", "true"),
    ({"region": "eu-west-1"}, "region = 'eu-west-1'", "true", "true"),
    ({"instance_type": "ml.g4dn.xlarge"}, "instance_type = 'ml.g4dn.xlarge'", "true", "true"),
    (  # kept by month, which count whole
        {"from": "2026-01-15", "to": "2026-02-10"},
        "true",
        "date between '2026-01-01' and '2026-02-28'",
        "date in ('2026-01-01', '2026-02-01')",
    ),
    ({"time": "last 30 days"}, "true", "date >= '2026-09-01'", "date = '2026-09-01'"),
    (
        {"account": "111122223333", "region": "us-east-1", "from": "2026-07-10", "to": "2026-08-15"},
        "account_id = '111122223333' and region = 'us-east-1'",
        "date between '2026-07-10' and '2026-08-15'",
        "date in ('2026-07-01', '2026-08-01')",
    ),
]


def test_figures_of_a_selection_are_those_that_sql_gives(made_home, opened, asked):
    page = opened(made_home.dashboard)
    for fields, of, when, months in SELECTIONS:
        page.get_by_role("button", name="Show all").click()
        settled(page)
        choose(page, **fields)
        ((submitted, instance_hours, gpu_hours),) = asked(
            "select sum(submitted_jobs), sum(instance_hours), coalesce(sum(gpu_hours), 0)"
            f" from marts.utilization_daily where {of} and {when}"
        )
        ((rate,),) = asked(
            "select sum(started_and_failed_jobs) / sum(started_and_ended_jobs) from marts.failure_rates_daily"
            f" where {of} and {when}"
        )
        ((savings,),) = asked(
            "select 1 - sum(billed_instance_hours) / sum(trained_instance_hours) from marts.spot_savings_monthly"
            f" where {of} and {months}"
        )
        ((goodput,),) = asked(
            "select sum(productive_instance_hours_low) / sum(instance_hours) from marts.goodput_monthly"
            f" where {of} and {months}"
        )
        ((wait,),) = asked(
            "select avg(queue_wait_seconds) from (select *, creation_time::date as date from marts.fct_training_jobs)"
            f" where {of} and {when}"
        )
        # Of the made fleet no heterogeneous job has a type of its own.
        ((cost,),) = asked(f"select sum(list_cost) from marts.list_costs_daily where {of} and {when}")
        ((waste,),) = asked(f"select sum(wasted_instance_hours) from marts.wasted_instance_hours where {of}")
        ((stuck,),) = asked(f"select count(*) from marts.stuck_jobs where {of}")
        for name, expected in {
            "submitted_jobs": submitted,
            "instance_hours": instance_hours,
            "gpu_hours": gpu_hours,
            "failure_rate": rate,
            "savings": savings,
            "list_cost": cost,
            "goodput": goodput,
            "mean_wait": wait,
            "waste": waste,
            "stuck_jobs": stuck,
        }.items():
            expected = None if expected is None else pytest.approx(float(expected), rel=1e-3, abs=0.01)
            assert figure(page, name) == expected, (fields, name)
        statuses = asked(
            f"select secondary_status from marts.secondary_status_time_daily where {of} and {when}"
            " group by 1 having sum(seconds) > 0 order by sum(seconds) desc, 1"
        )
        assert [row[0] for row in listed(page, "statuses")] == [status for (status,) in statuses]
        longest = asked(
            "select training_job_name from"
            " (select *, date_trunc('month', run_end_at) as date from marts.fct_training_jobs)"
            f" where run_seconds is not null and {of} and {months} order by run_seconds desc, training_job_arn limit 10"
        )
        assert [row[0] for row in listed(page, "slowest")] == [name for (name,) in longest]
        dearest = asked(
            "select training_job_name, billed_seconds, price_per_hour from marts.fct_training_job_costs join (select"
            " training_job_arn, training_job_name, instance_type as job_type, date_trunc('month', life_end_at) as date"
            " from marts.fct_training_jobs) using (training_job_arn) where list_cost is not null"
            f" and {of.replace('instance_type', 'job_type')} and {months}"
            " order by list_cost desc, training_job_arn limit 10"
        )
        told = [
            (name, float(seconds.replace(",", "")), float(price))
            for name, _, _, _, _, seconds, price, *_ in listed(page, "dearest")
        ]
        assert told == dearest
        failed = asked(
            "select count(*) from (select *, life_end_at::date as date from marts.fct_training_jobs"
            f" where failure_fingerprint is not null) where {of} and {when}"
            " group by failure_fingerprint order by 1 desc limit 10"
        )
        assert [row[3] for row in listed(page, "fingerprints")] == [str(jobs) for (jobs,) in failed]


def test_quotas_that_were_used_up_for_longest(made_home, opened, asked):
    page = opened(made_home.dashboard)
    longest = asked(
        "select account_id, region, arg_max(quota_instances, date), max(peak_instances), sum(waited_jobs_at_quota)"
        " from marts.quota_utilization_daily where date > (select max(date) - 30 from marts.quota_utilization_daily)"
        " group by account_id, region, instance_type, kind, is_spot"
        " having max(peak_instances) > 0 or sum(waited_jobs_at_quota) > 0 order by sum(seconds_at_quota) desc,"
        " max(peak_utilization) desc nulls last, 1, 2, instance_type, kind, is_spot limit 20"
    )
    told = [
        (account, region, *(int(number.replace(",", "")) for number in (allowed, used, waited)))
        for _, _, account, region, allowed, used, _, _, waited in listed(page, "quotas")
    ]
    assert told == longest
    assert any(waited for *_, waited in told)


def test_a_rate_has_its_interval_and_a_peak_its_bounds(made_home, opened, asked):
    page = opened(made_home.dashboard)
    ((low, high),) = asked("select failure_rate_low, failure_rate_high from marts.failure_rates")
    shown = page.locator("dd:has([data-figure=failure_rate]) small").text_content()
    assert [float(number) for number in re.findall(r"[\d.]+", shown)[:2]] == [round(100 * low, 1), round(100 * high, 1)]
    ((most,),) = asked("select max(peak_instances) from marts.fleet_utilization_hourly")
    assert page.locator("[data-figure=peak]").text_content() == str(most)
    choose(page, account="111122223333")
    ((peak,),) = asked("""
        with changes as (
            select started_at as instant, instance_count as change from marts.fct_training_jobs
            where account_id = '111122223333' and run_end_at > started_at
            union all
            select run_end_at, -instance_count from marts.fct_training_jobs
            where account_id = '111122223333' and run_end_at > started_at
        )
        select max(running) from (select sum(change) over (order by instant, change) as running from changes)
    """)
    low, high = map(int, page.locator("[data-figure=peak]").text_content().split(" to "))
    assert 0 < low <= peak <= high < 3 * peak


def test_filters_work_by_keyboard_and_can_be_undone(made_home, opened):
    page = opened(made_home.dashboard)
    whole = figure(page, "submitted_jobs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    settled(page)
    assert page.locator("#account").input_value() == "=012345678901"
    assert 0 < figure(page, "submitted_jobs") < whole
    assert "012345678901" in page.locator("#shown").text_content()
    page.get_by_role("button", name="Show all").press("Enter")
    settled(page)
    assert figure(page, "submitted_jobs") == whole


def test_whoever_cannot_see_the_charts_is_told(made_home, opened):
    page = opened(made_home.dashboard)
    assert page.locator("svg:visible").count() == CHARTS
    described = page.evaluate(
        "[...document.querySelectorAll('[role=graphics-document]')].map((chart) => chart.ariaLabel)"
    )
    assert len(described) == CHARTS
    assert all(re.fullmatch(r"[\w ]+\. .+: .+", description) for description in described)
    assert page.evaluate("[...document.querySelectorAll('select, input')].every((field) => field.labels.length === 1)")
    tables = page.locator("table").count()
    assert tables >= CHARTS
    assert page.locator("table > caption").count() == tables
    assert page.locator("table:has(thead th[scope=col]):has(tbody th[scope=row])").count() == tables
    assert page.locator("html").get_attribute("lang") == "en"


def test_text_stands_out_in_dark_and_in_light(made_home, opened):
    page = opened(made_home.dashboard, color_scheme="dark")
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    grounds = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(200)
        settled(page)
        found = page.evaluate(CONTRASTS)
        assert len(found) > 300
        assert [text for text, contrast in found if contrast < 4.5] == []
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(20, 23, 27)", "rgb(251, 251, 250)"]


def test_a_phone_scrolls_in_one_direction(made_home, opened):
    page = opened(made_home.dashboard, width=360, has_touch=True)
    choose(page, region="us-east-1")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every((svg) => svg.getBoundingClientRect().right <= 360)"
    )


def test_no_jobs_yet(made_home, opened, tmp_path):
    facts = facts_of(emptied(made_home.warehouse, tmp_path / "empty.duckdb"))
    page = opened(with_facts(made_home.dashboard, facts, tmp_path / "empty.html"))
    assert page.get_by_text("No jobs yet: trainyard run harvests them.").is_visible()
    assert page.locator("section:visible, form:visible, svg:visible").count() == 0


def test_one_job_that_waits(made_home, opened, tmp_path):
    others = (
        f"delete from marts.{mart}"
        for mart in (
            *("failure_rates_daily", "fleet_utilization_hourly", "utilization_hourly", "goodput_monthly"),
            *("spot_savings_monthly", "idle_gpu_jobs", "stuck_jobs", "wasted_instance_hours", "failure_fingerprints"),
            *("secondary_status_time_daily", "utilization_daily", "data_quality"),
        )
    )
    tiny = altered(
        made_home.warehouse,
        tmp_path / "tiny.duckdb",
        *others,
        "delete from marts.fct_training_jobs where training_job_arn <> (select min(training_job_arn)"
        " from marts.fct_training_jobs where is_open and not is_started)",
        "insert into marts.utilization_daily by name select creation_time::date as date, account_id, region,"
        " instance_type, is_spot, 1 as submitted_jobs, 0 as started_jobs, 0 as active_jobs, 0 as ended_jobs,"
        " 0.0166 as instance_hours from marts.fct_training_jobs",
        "update marts.build_info set jobs = 1, open_jobs = 1",
    )
    page = opened(with_facts(made_home.dashboard, facts_of(tiny), tmp_path / "tiny.html"))
    assert figure(page, "submitted_jobs") == 1
    assert figure(page, "failure_rate") is None
    assert listed(page, "waits") == [["still waiting", "1", "100\u00a0%"]]
    assert page.locator("#failures .empty").is_visible()
    # Neither minutes nor thousandths, and no parts of a job.
    assert page.locator("[data-figure=instance_hours]").text_content() == "0.017"
    assert page.get_by_text("bill unknown", exact=True).is_visible()
    assert "0.015" in page.locator("#use .role-axis-label text").all_text_contents()
    labels = page.locator("#waits .role-axis-label text").all_text_contents()
    assert [label for label in labels if label] == ["0", "1", "still waiting"]


def test_texts_of_documents_stay_texts(made_home, opened, tmp_path):
    told = HOSTILE.replace("'", "''")
    hostile = altered(
        made_home.warehouse,
        tmp_path / "hostile.duckdb",
        f"update marts.fct_training_jobs set training_job_name = '{told}'",
        f"update marts.failure_fingerprints set masked_reason = '{told}', failure_class = '{told}'",
        f"update marts.secondary_status_time_daily set secondary_status = '{told}' where secondary_status = 'Starting'",
        *(
            f"update marts.{mart} set instance_type = '{told}' where instance_type = 'ml.g4dn.xlarge'"
            for mart in ("fct_training_jobs", "utilization_daily", "secondary_status_time_daily")
        ),
    )
    page = opened(with_facts(made_home.dashboard, facts_of(hostile), tmp_path / "hostile.html"))
    assert listed(page, "slowest")[0][0] == HOSTILE
    assert listed(page, "fingerprints")[0][0] == HOSTILE
    assert HOSTILE in [row[0] for row in listed(page, "statuses")]
    page.locator("#statuses .mark-rect path").nth(1).hover()
    page.locator("#vg-tooltip-element.visible").wait_for()
    assert "<b>bold</b>" in page.locator("#vg-tooltip-element").text_content()
    assert page.locator("#vg-tooltip-element b, #vg-tooltip-element img").count() == 0
    choose(page, instance_type=HOSTILE)
    assert HOSTILE in page.locator("#shown").text_content()
    assert page.locator("main img, main b").count() == 0


def test_a_policy_refuses_other_scripts(made_home, browser):
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(made_home.dashboard.as_uri())
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))")
    page.evaluate("fetch('https://example.com').catch(() => {})")
    assert page.evaluate("window.ran") is None
    assert len(refused) >= 2
    page.close()
