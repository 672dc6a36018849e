"""The one writer among all machines: an object that tells who writes, renewed while it does.

    .writer.json

Here: taking it, keeping it, giving it back. A process that dies keeps it until it has run out, but for its own machine:
there the lock of the working copy tells that it is dead. Not here: that lock (``home``), and what is written meanwhile.
A process that was suspended for longer than the lease finds that out before its next write; should it come too late
even so, what it writes on a condition is refused.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import msgspec

from pipelines.bucket.objects import Bucket, ChangedMeanwhileError, Content
from pipelines.errors import TrainyardError

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 15.0
POLL_SECONDS = 2.0

_NAME = ".writer.json"


class _Writer(msgspec.Struct, frozen=True):
    """Who writes, from which working copy, since when; ``renewed_at`` makes each renewal another content."""

    mirror: str
    process: int
    host: str
    since: datetime
    renewed_at: datetime
    is_over: bool = False


class Lease:
    """The right to write that this process holds."""

    def __init__(self, bucket: Bucket, writer: _Writer, held: str | None) -> None:
        self._bucket = bucket
        self._writer = writer
        self._etag = held
        self._lock = threading.Lock()
        self._is_lost = False
        self._renewed_at = -math.inf
        self._is_taken = False
        self.renew()
        self._is_taken = True

    def confirm(self) -> None:
        """Raise TrainyardError if another process may have taken over. To be called before each write."""
        if not self._is_lost and time.monotonic() - self._renewed_at > LEASE_SECONDS / 2:
            with suppress(ChangedMeanwhileError):
                self.renew()
        if self._is_lost:
            raise TrainyardError(
                f"another process has taken over {self._bucket.url}, as this one was not heard of for"
                f" {LEASE_SECONDS:.0f} seconds: run again"
            )

    def renew(self, *, is_over: bool = False) -> None:
        """Hold it for ``LEASE_SECONDS`` from now on, or, if it is over, no longer."""
        with self._lock:
            now = time.monotonic()
            content = msgspec.structs.replace(self._writer, renewed_at=datetime.now(UTC), is_over=is_over)
            try:
                self._etag = self._written(content)
            except ChangedMeanwhileError:
                self._is_lost = True
                raise
            self._renewed_at = now

    def _written(self, content: _Writer) -> str:
        encoded = msgspec.json.encode(content)
        try:
            return self._bucket.write(_NAME, encoded, self._etag)
        except ChangedMeanwhileError:
            if not self._is_taken:
                raise
            # A renewal of before may have been carried out though its answer never came. Until that is known nothing
            # may be written.
            self._renewed_at = -math.inf
            found = self._bucket.read(_NAME)
            writer = _decoded(found)
            is_own = writer and msgspec.structs.replace(writer, renewed_at=self._writer.renewed_at) == self._writer
            if not (found and is_own):
                raise
            return self._bucket.write(_NAME, encoded, found.etag)

    def keep(self, is_over: threading.Event) -> None:
        """Renew it, time and again, until the work is over; an answer that does not come may come the next time."""
        while not is_over.wait(RENEWAL_SECONDS) and not self._is_lost:
            with suppress(TrainyardError):
                self.renew()


@contextmanager
def writing(bucket: Bucket, mirror: str, wait_seconds: float) -> Iterator[Lease]:
    """Hold the lease. Raises TrainyardError, after the wait, where another process does.

    ``mirror`` identifies the working copy, whose lock this process must hold.
    """
    lease = _taken(bucket, mirror, wait_seconds)
    is_over = threading.Event()
    threading.Thread(target=lease.keep, args=(is_over,), daemon=True).start()
    try:
        yield lease
    finally:
        is_over.set()
        with suppress(TrainyardError):  # it runs out by itself
            lease.renew(is_over=True)


def _taken(bucket: Bucket, mirror: str, wait_seconds: float) -> Lease:
    now = datetime.now(UTC)
    own = _Writer(mirror, os.getpid(), socket.gethostname(), now, now)
    until = time.monotonic() + wait_seconds
    while True:
        found = bucket.read(_NAME)
        writer = _decoded(found)
        if found is None or writer is None or _is_free(writer, found, mirror):
            with suppress(ChangedMeanwhileError):  # another was quicker: who, the next look tells
                return Lease(bucket, own, found.etag if found else None)
            continue
        if time.monotonic() >= until:
            raise TrainyardError(
                f"process {writer.process} on {writer.host} has been writing to {bucket.url} since"
                f" {writer.since:%Y-%m-%d %H:%M:%S} UTC (last heard of {max(found.age_seconds, 0):.0f} s ago, and taken"
                f" for dead after {LEASE_SECONDS:.0f} s): wait until it has ended, or end it"
            )
        time.sleep(POLL_SECONDS)


def _is_free(writer: _Writer, found: Content, mirror: str) -> bool:
    is_own = (writer.mirror, writer.host) == (mirror, socket.gethostname())
    return writer.is_over or is_own or found.age_seconds > LEASE_SECONDS


def _decoded(found: Content | None) -> _Writer | None:
    """Who holds the lease; None if nobody does, or what is there tells nothing."""
    try:
        return msgspec.json.decode(found.content, type=_Writer) if found else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
