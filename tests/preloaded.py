"""The command in a process of its own that is forked from one in which libraries are loaded: without that each start
spends two seconds on them.

Here: running it, with an environment and a folder of its own. Not here: which settings these are (``main_job``), nor
commands whose start itself is looked at: these are started as users do.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# None of the product's own modules: what these read as they are loaded is for the environment to say.
LIBRARIES = [
    *("altair", "boto3", "duckdb", "msgspec", "pyarrow.compute", "pyarrow.parquet", "pydantic_settings", "rich.live"),
    *("typer", "upath", "dagster", "dagster._core.storage.event_log", "dagster._core.storage.runs"),
    *("dagster._core.storage.schedules", "sqlalchemy.dialects.sqlite"),
]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(LIBRARIES)


def run(arguments, environment, folder, models=None, timeout=300):
    """How the command ended, as ``subprocess`` tells it; ``models``: a folder of few models, in place of all."""
    with tempfile.TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        process = _processes.Process(target=_command, args=(arguments, environment, folder, models, out, err))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout)
        return subprocess.CompletedProcess(arguments, process.exitcode, out.read_text(), err.read_text())


def _command(arguments, environment, folder, models, out, err):
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding=encoding, closefd=False) for number in (1, 2))
    sys.argv = ["trainyard", *arguments]
    from pipelines import cli

    if models:
        from tests import few_models

        few_models.use(setattr, models)
    cli.main()
