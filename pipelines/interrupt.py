"""Ctrl-C and SIGTERM end a command: in order if it is able to, in any case soon.

Here: telling whether one came, and the end of patience. Not here: what an orderly end is, and what is said then.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable

GRACE_SECONDS = 5  # DuckDB may want to finish what it was doing first


def watch_signals(on_last: Callable[[signal.Signals], int]) -> Callable[[], signal.Signals | None]:
    """From here on SIGTERM does what Ctrl-C does; gives a function that tells which of them came, if one did.

    The exception would not tell: during a run Dagster handles both with a handler of its own, and of what a handler
    raises within a query DuckDB makes a RuntimeError. A process that has not ended ``GRACE_SECONDS`` after a signal is
    ended with the exit code that ``on_last`` gives, as by `kill -9`.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)  # gets each signal's number, whoever handles it
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def came() -> signal.Signals | None:
        try:
            return signal.Signals(reading.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)[0])
        except BlockingIOError:
            return None

    def watch() -> None:
        number = reading.recv(1, socket.MSG_PEEK)[0]
        time.sleep(GRACE_SECONDS)
        os._exit(on_last(signal.Signals(number)))

    threading.Thread(target=watch, daemon=True).start()
    return came
