"""A limit on the calls a second, over all threads. Not here: which calls it is for."""

from __future__ import annotations

import threading
import time


class Limiter:
    """Lets calls pass one by one, evenly spaced, at most ``calls_per_second`` of them."""

    def __init__(self, calls_per_second: float) -> None:
        self._seconds_between = 1 / calls_per_second
        self._lock = threading.Lock()
        self._next_turn = 0.0

    def wait(self, **_: object) -> None:
        """Wait for this call's turn. To be registered as a handler of botocore's ``before-send``: retries wait too."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_turn)
            self._next_turn = turn + self._seconds_between
        time.sleep(turn - now)
