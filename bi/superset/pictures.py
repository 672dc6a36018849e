"""The pictures of both dashboards in docs/images: `make superset-pictures`, which needs Chromium.

Here: the demo's warehouse, a Superset with its bundle, and each dashboard as a browser shows it; an error of any chart
ends it. Not here: the pictures of all else (docs/pictures.py).
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, Response

from bi.superset.build import DASHBOARDS, write_bundle
from bi.superset.instance import USER
from bi.superset.layout import Dashboard
from docs.pictures import IMAGES, ROOT, chromium, served

WIDTH = 1800
HEIGHT = 6_000  # enough for every chart to be in view, for only then it is drawn
SETTLED_MILLISECONDS = 3_000  # charts come in by an animation
BOTTOM = """Math.max(...[...document.querySelectorAll('.dashboard-component-chart-holder')]
    .map(chart => chart.getBoundingClientRect().bottom))"""


def main() -> None:
    """Take both pictures, of the Superset whose Python the command line names."""
    password = secrets.token_urlsafe()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SUPERSET_PASSWORD": password}
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.zip"
        write_bundle(_warehouse(Path(folder)), bundle)
        command = [str(Path(sys.argv[1]).absolute()), "-m", "bi.superset.instance", str(bundle)]
        with served(command, environment, "/health") as url, chromium() as browser:
            page = browser.new_page()
            page.request.post(f"{url}/login/", form={"username": USER, "password": password})
            for dashboard in DASHBOARDS:
                _take(page, url, dashboard)


def _warehouse(home: Path) -> Path:
    """The demo's."""
    environment = {**os.environ, "TRAINYARD_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "pipelines.cli", "demo"], env=environment, cwd=ROOT, check=True)
    return home / "warehouse.duckdb"


def _take(page: Page, url: str, dashboard: Dashboard) -> None:
    failures: list[str] = []
    page.on("response", lambda answer: _note(answer, failures))
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(f"{url}/superset/dashboard/trainyard-{dashboard.slug}/")
    _settle(page, len(dashboard.charts))
    page.set_viewport_size({"width": WIDTH, "height": int(page.evaluate(BOTTOM)) + 20})
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    page.screenshot(path=IMAGES / f"superset-{dashboard.slug}.png")
    if failures:
        raise SystemExit("\n".join(failures))


def _note(answer: Response, failures: list[str]) -> None:
    if answer.status >= 400:
        failures.append(f"{answer.status} {answer.url}")


def _settle(page: Page, charts: int) -> None:
    """Wait until every chart is drawn."""
    drawn = "document.querySelectorAll('.dashboard-chart .slice_container').length"
    is_loading = "document.querySelector('.dashboard [data-test=loading-indicator]')"
    page.wait_for_function(f"{drawn} == {charts} && !{is_loading}", timeout=120_000)
    page.wait_for_timeout(SETTLED_MILLISECONDS)


if __name__ == "__main__":
    main()
