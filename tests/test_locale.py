"""Files are UTF-8 whatever the locale says: in this one, Python would take them for ASCII."""

import subprocess
import sys

from tests.main_job import no_settings

ASCII = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}

PAGE = """
import sys
from pathlib import Path
from pipelines.dashboard.page import page_of, vega
cache = Path(sys.argv[1])
made = vega(cache)
assert vega(cache) == made
Path("page.html").write_bytes(page_of({}, made).encode())
"""


def run(folder, *arguments):
    """Run Python there."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=no_settings() | ASCII, capture_output=True, timeout=60
    )


def test_the_dashboard_is_drawn(tmp_path):
    ended = run(tmp_path, "-c", PAGE, str(tmp_path / "cache"))
    assert ended.returncode == 0, ended.stderr.decode()
    assert "·" in (tmp_path / "page.html").read_text("utf-8")


def test_what_is_wrong_in_the_settings_is_named_by_its_line(tmp_path):
    (tmp_path / "trainyard.toml").write_text('# Zürich\nhome = "x"\nhoem = "y"\n', "utf-8")
    ended = run(tmp_path, "-m", "pipelines.cli", "status")
    assert ended.stderr.decode().strip() == "trainyard: trainyard.toml:3: hoem: there is no such setting"
