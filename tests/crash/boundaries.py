"""Stopping a run at any of its boundaries: before it writes, renames or removes a file of the data directory, before it
asks the service, before it asks the bucket and after the answer, before it runs a statement of DuckDB; or in the middle
of writing a file, after so many bytes.

Here: finding a run's boundaries, and having it die there as by `kill -9`, or fail as on a full disk. The product has no
hooks for this: Python's own audit events tell what a run does. Not here: the runs, and what must hold after them.
"""

import os
import pickle
import re
import resource
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import duckdb
from botocore.httpsession import URLLib3Session

from pipelines.home import Home
from tests import bucket

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
WRITES = re.compile(r"copy|create table|insert|comment|attach|checkpoint|detach")
# Audit events that change files, and which of their arguments is the path that is changed.
CHANGES = {"os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "os.chmod": 0, "os.truncate": 0}


class Boundary(NamedTuple):
    """What a run is about to do (`os.rename lake/manifest.json`), for the how-manieth time, from 1."""

    label: str
    occurrence: int


@dataclass(frozen=True)
class Ended:
    """How a run in a process of its own ended: the signal that killed it or its exit code, and what it printed."""

    signal: int
    code: int
    output: str


Run = Callable[[Path], object]


def kill(label: str) -> None:
    """End this process as `kill -9` does: nothing is flushed, nothing cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def boundaries(run: Run, home: Path) -> list[Boundary]:
    """All boundaries of a run, in order."""

    def watched(home: Path) -> list[Boundary]:
        found: list[Boundary] = []
        _watch(home, found.append)
        run(home)
        return found

    return result(watched, home)


def samples(found: list[Boundary]) -> list[Boundary]:
    """Of each kind of boundary the first, and where files come into force or the service is asked the last too.

    Left out are those before which the disk is, for all that a killed process can do to it, as before another: nothing
    came into force since. So it is before a folder is made, a file beside the one that it replaces is opened or synced,
    or what is left of it is removed, before a note of who writes, and before most of what fills the file that is
    published.
    """
    last = {boundary.label: boundary for boundary in found if boundary.label.startswith(("os.rename", "send"))}
    alike = re.compile(
        r"os\.mkdir|fsync|(open|os\.remove) .*\.(tmp|writer\.json)$|duckdb (attach|create table|comment)"
    )
    firsts = [boundary for boundary in found if boundary.occurrence == 1 and not alike.match(boundary.label)]
    return list(dict.fromkeys([*firsts, *last.values()]))


def stopped(run: Run, home: Path, where: Boundary, act: Callable[[str], None] = kill) -> Ended:
    """Run, and act at a boundary (where there is none such, the run just ends)."""

    def watched(home: Path) -> None:
        _watch(home, lambda boundary: act(boundary.label) if boundary == where else None)
        run(home)

    return forked(watched, home)


def killed_after_bytes(run: Run, home: Path, size: int) -> Ended:
    """Run, and die in the write that would make any file longer than ``size`` bytes."""
    return forked(lambda home: (_limit_files(size, signal.SIG_DFL), run(home)), home)


def full_after_bytes(run: Run, home: Path, size: int) -> Ended:
    """Run where no file can be longer than ``size`` bytes: writing more is an error, as on a full disk."""
    return forked(lambda home: (_limit_files(size, signal.SIG_IGN), run(home)), home)


def wrong_after(ended: Ended, point: object, home: Path, *steps: Run) -> str | None:
    """What the steps after a kill find wrong, or None."""

    def after(home):
        for step in steps:
            step(home)

    found = forked(after, home)
    return f"{point} ({ended}): {found.output}" if (found.signal, found.code) != (0, 0) else None


def run(job: Run, home: Path) -> None:
    """Run to a good end."""
    ended = forked(job, home)
    assert (ended.signal, ended.code) == (0, 0), ended.output


def result(function: Callable[[Path], Any], home: Path) -> Any:
    """What a function of a data directory gives."""
    with tempfile.TemporaryFile() as file:

        def told(home: Path) -> None:
            pickle.dump(function(home), file)
            file.flush()

        run(told, home)
        file.seek(0)
        return pickle.load(file)


def copy(home: Path, to: Path) -> Path:
    """Another data directory with the same content; of one in a bucket also what is there."""
    if url := Home(home).url:
        bucket.copy(url, Home(to).url)
    return shutil.copytree(home, to, symlinks=True)


def forked(run: Run, home: Path) -> Ended:
    """Run in a fork of this process, which has imported everything already; exceptions show as a traceback and 70.

    Whatever uses DuckDB runs so: its threads and locks would not outlive a later fork.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 71  # whatever happens, nothing of the tests goes on in here
        try:
            code = _printing_to(writing, run, home)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        said = output.read().decode(errors="backslashreplace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Ended(os.WTERMSIG(status), 0, said)
    return Ended(0, os.WEXITSTATUS(status), said)


def _printing_to(descriptor: int, run: Run, home: Path) -> int:
    """Run, and give the exit code that Python would end with."""
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    try:
        run(home)
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _watch(home: Path, on_boundary: Callable[[Boundary], None]) -> None:
    """From here on, tell of each boundary of this process before it is passed."""
    counted: Counter[str] = Counter()
    turn, busy = threading.RLock(), threading.local()
    root = home.resolve()

    def reach(label: str) -> None:
        if getattr(busy, "now", False):  # what the callback itself does is no boundary
            return
        busy.now = True
        try:
            with turn:
                counted[label] += 1
                on_boundary(Boundary(label, counted[label]))
        finally:
            busy.now = False

    def hook(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            path = arguments[0]
        elif event in CHANGES:
            path = arguments[CHANGES[event]]
        elif event == "http.client.send":
            asked = bucket.ASKED.match(arguments[1]) if isinstance(arguments[1], bytes) else None
            reach(f"send {in_bucket(*asked.groups())}" if asked else "send")
            return
        else:
            return
        if isinstance(path, str | bytes | os.PathLike):
            place = Path(os.fsdecode(path)).absolute()
            if place.is_relative_to(root):
                reach(f"{event} {kind_of(place.relative_to(root))}")

    def in_bucket(method: bytes, target: bytes) -> str:
        """A request to the bucket: what it does, and to which kind of object."""
        key, _, _ = unquote(target.decode()).partition("?")
        below = f"s3:/{key}".removeprefix(f"{Home(home).url}/")
        return f"{method.decode()} {'' if below.startswith('s3:') else kind_of(Path(below))}"

    fsync = os.fsync
    execute = duckdb.DuckDBPyConnection.execute
    ask = URLLib3Session.send

    def fsync_watched(descriptor: int) -> None:
        reach(f"fsync {kind_of(Path(f'/proc/self/fd/{descriptor}').readlink().relative_to(root))}")
        fsync(descriptor)

    def execute_watched(connection, statement, *arguments, **named):
        writing = WRITES.match(str(statement))
        if writing:
            reach(f"duckdb {writing[0]}")
        return execute(connection, statement, *arguments, **named)

    def ask_watched(session, request):
        answer = ask(session, request)
        if asked := bucket.ASKED.match(f"{request.method} {urlsplit(request.url).path} ".encode()):
            reach(f"answered {in_bucket(*asked.groups())}")
        return answer

    URLLib3Session.send = ask_watched
    os.fsync = fsync_watched
    duckdb.DuckDBPyConnection.execute = execute_watched
    sys.addaudithook(hook)


def kind_of(path: Path) -> str:
    """A path below the data directory, without what tells its files from others of their kind."""
    top, *below = path.parts or (".",)
    name = below[-1] if below else top
    if ".parquet" in name:
        name = "*" + name[name.index(".parquet") :]
    if top == "builds" and ".json" in name and len(below) > 2:  # a model's
        name = "*" + name[name.index(".json") :]
    name = re.sub(r"[^.]*\d[^.]*", "#", name)
    if not below:
        return name
    return f"{top}/{'…/' if len(below) > 1 else ''}{name if '.' in name or len(below) > 1 else '*'}"


def _limit_files(size: int, handler: signal.Handlers) -> None:
    signal.signal(signal.SIGXFSZ, handler)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
