"""The pictures of both dashboards in docs/images: `make superset-pictures`, which needs Chromium.

Here: serving a bundle, and taking each dashboard's picture as an administrator's browser shows it; any error of a
chart's ends it. Not here: the pictures of all else (docs/pictures.py).
"""

from __future__ import annotations

import os
import secrets
import sys

from playwright.sync_api import Page, Response

from bi.superset.build import DASHBOARDS
from bi.superset.instance import USER
from docs.pictures import IMAGES, ROOT, chromium, served

PYTHON = ROOT / ".venv-superset" / "bin" / "python"
WIDTH = 1800
BOTTOM = """Math.max(...[...document.querySelectorAll('.dashboard-component-chart-holder')]
    .map(chart => chart.getBoundingClientRect().bottom))"""


def main() -> None:
    """Take both pictures of the bundle that the command line names."""
    password = secrets.token_urlsafe()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SUPERSET_PASSWORD": password}
    command = [os.environ.get("SUPERSET_PYTHON", str(PYTHON)), "-m", "bi.superset.instance", sys.argv[1]]
    with served(command, environment, "/health") as url, chromium() as browser:
        page = browser.new_page()
        page.request.post(f"{url}/login/", form={"username": USER, "password": password})
        for dashboard in DASHBOARDS:
            page.set_viewport_size({"width": WIDTH, "height": 5_000})
            failures: list[str] = []
            page.on("response", lambda answer, failures=failures: _note(answer, failures))
            page.goto(f"{url}/superset/dashboard/trainyard-{dashboard.slug}/")
            _settle(page, len(dashboard.charts))
            bottom = page.evaluate(BOTTOM)
            page.set_viewport_size({"width": WIDTH, "height": int(bottom) + 20})
            page.wait_for_timeout(1_000)
            page.screenshot(path=IMAGES / f"superset-{dashboard.slug}.png")
            if failures:
                raise SystemExit("\n".join(failures))


def _note(answer: Response, failures: list[str]) -> None:
    if answer.status >= 400:
        failures.append(f"{answer.status} {answer.url}")


def _settle(page: Page, charts: int) -> None:
    """Wait until every chart is drawn."""
    drawn = "document.querySelectorAll('.dashboard-chart .slice_container').length"
    page.wait_for_function(
        f"{drawn} == {charts} && !document.querySelector('.dashboard [data-test=\"loading-indicator\"]')"
    )
    page.wait_for_timeout(3_000)  # they come in by an animation


if __name__ == "__main__":
    main()
