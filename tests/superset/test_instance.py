"""What Superset itself makes of the bundle: bi/superset/check.py, in a fresh instance. `make superset` installs it."""

import os
import subprocess

import pytest

from bi.superset.build import write_bundle
from pipelines.shipped import shipped

PYTHON = os.environ.get("SUPERSET_PYTHON")


@pytest.mark.skipif(not PYTHON, reason="Superset is not installed here: `make superset` has it")
def test_every_chart_has_figures_and_no_query_reads_files(made_home, tmp_path):
    bundle = tmp_path / "bundle.zip"
    write_bundle(made_home.warehouse, bundle)
    environment = {**os.environ, "PYTHONPATH": str(shipped("sql").parent)}
    command = [PYTHON, "-m", "bi.superset.check", str(bundle)]
    checked = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr[-5_000:]
