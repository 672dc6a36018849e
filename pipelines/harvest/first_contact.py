"""A service that was never reached is given up soon, for then the settings are wrong or there is no network at all.

Here: the limit on the first attempts. One that has answered before is waited for with patience (``calls``).
"""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ConnectionError as NoConnectionError

CONNECT_TIMEOUT_SECONDS = 2  # for each address that the endpoint has
GIVE_UP_SECONDS = 4
GIVE_UP_ATTEMPTS = 3  # botocore's pauses double


class FirstContact:
    """Watches a client's attempts: as long as none was answered, botocore's retries end after a few seconds."""

    def __init__(self, client: Any) -> None:
        self.is_made = False
        self._tried_at: float | None = None
        client.meta.events.register("before-send", self._note_attempt)
        client.meta.events.register_first("needs-retry", self._note_outcome)

    def _note_attempt(self, **_: object) -> None:
        if self._tried_at is None:
            self._tried_at = time.monotonic()

    def _note_outcome(self, attempts: int, caught_exception: Exception | None = None, **_: object) -> None:
        if not isinstance(caught_exception, NoConnectionError):
            self.is_made = True
        elif not self.is_made:
            seconds = time.monotonic() - (self._tried_at or 0)
            if attempts >= GIVE_UP_ATTEMPTS or seconds >= GIVE_UP_SECONDS:
                raise caught_exception
