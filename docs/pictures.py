"""The pictures of the README, taken of a demo just run: `make pictures`, which needs Chromium.

Here: running the demo in a folder of its own, and what is pictured. Not here: what is to be seen.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
PAGES = {
    "graph.png": ("/asset-groups", 1500, 600),
    "asset.png": ("/assets/marts/secondary_status_time_daily", 1500, 1850),
}
DASHBOARDS = {
    "dashboard-light.png": ("light", 1280, 1250),
    "dashboard-dark.png": ("dark", 1280, 1250),
    "dashboard-phone.png": ("light", 390, 1250),
}
SETTLED_MILLISECONDS = 8_000  # Dagster's pages load and lay out their graphs after they are there


def main() -> None:
    """Take every picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(ROOT / "dagster.yaml", home)
        environment = {**os.environ, "DAGSTER_HOME": str(home), "TRAINYARD_HOME": str(home / "data")}
        subprocess.run([_command("trainyard"), "demo"], env=environment, cwd=home, check=True)
        _picture_of_answer(environment)
        _pictures_of_dashboard(home / "data" / "dashboard.html")
        dagster = [_command("dagster-webserver"), "-m", "pipelines.definitions", "--host", "127.0.0.1"]
        with served(dagster, environment, "/server_info", home) as url:  # dagster.yaml's folders are relative to it
            _pictures_of_pages(url)


def _picture_of_answer(environment: dict[str, str]) -> None:
    """The query of the README and its answer, as a terminal shows them."""
    readme = (ROOT / "README.md").read_text()
    sql = readme.split('trainyard query "', 1)[1].split('"\n', 1)[0]
    answered = subprocess.run([_command("trainyard"), "query", sql], env=environment, capture_output=True, check=True)
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(Text(f'$ trainyard query "{sql}"\n'), Text(answered.stdout.decode().rstrip()))
    svg = console.export_svg(title="trainyard query")
    # Rich's fonts come from the network: the viewer's own monospace will do.
    (IMAGES / "query.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


@contextmanager
def served(command: list[str], environment: dict[str, str], path: str, folder: Path = ROOT) -> Iterator[str]:
    """Serve with a command run in a folder, which takes a `--port`; once it is up, ``path`` answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*command, "--port", str(port)], env=environment, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url + path, server)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            urllib.request.urlopen(url)  # noqa: S310 - a server of this script's own
        except urllib.error.URLError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"{server.args} ended before it served {url}")


def _pictures_of_pages(url: str) -> None:
    with chromium() as browser:
        for name, (path, width, height) in PAGES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(url + path)
            page.wait_for_timeout(SETTLED_MILLISECONDS)
            page.screenshot(path=IMAGES / name)


def _pictures_of_dashboard(file: Path) -> None:
    with chromium() as browser:
        for name, (scheme, width, height) in DASHBOARDS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(file.as_uri())
            page.wait_for_function("!document.documentElement.hasAttribute('aria-busy')")
            page.screenshot(path=IMAGES / name)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        raise SystemExit("Chromium is needed: install your system's package, as `apt install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _command(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    main()
