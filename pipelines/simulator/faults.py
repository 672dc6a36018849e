"""What goes wrong, on demand.

Here: which calls a fault befalls. Not here: how each kind shows on the wire (``server``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal, get_args

from pipelines.simulator.errors import ServiceError

Kind = Literal[
    "throttle",  # ThrottlingException
    "server-error",  # InternalFailure, 500
    "expired-credentials",  # ExpiredTokenException
    "access-denied",  # AccessDeniedException
    "drop",  # the connection closes without an answer
    "truncate",  # 200, the body cut, and Content-Length is that of the cut body
    "short-body",  # 200, the body cut, and Content-Length promises all of it
    "slow",  # the answer comes after ``seconds``
    "empty-page",  # Search: no Results, and a NextToken that goes on rightly
    "no-results",  # 200 and {}
    "partial-data",  # GetMetricData: of half of the queries a part of the points, and no NextToken
    "expired-token",  # of requests with a NextToken: ValidationException
    "no-date",  # the answer has no Date header
    "wrong-date",  # its Date header is ``seconds`` off
]

ERRORS = {
    "throttle": ("ThrottlingException", "Rate exceeded", 400),
    "server-error": ("InternalFailure", "The request processing has failed because of an unknown error.", 500),
    "expired-credentials": ("ExpiredTokenException", "The security token included in the request is expired", 400),
    "access-denied": ("AccessDeniedException", "User is not authorized to perform this operation", 400),
    "expired-token": ("ValidationException", "The NextToken has expired.", 400),
}


@dataclass(frozen=True)
class Fault:
    """A fault: of the calls of ``operation`` (None: any), the first ``after`` are spared; then each is struck with
    ``probability``, until ``count`` have been (None: no end). ``seconds`` is how long a slow answer takes, or how far a
    wrong date is off.
    """

    kind: Kind
    operation: str | None = None
    probability: float = 1.0
    count: int | None = None
    after: int = 0
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"no such fault: {self.kind}; there are {', '.join(get_args(Kind))}")

    @property
    def error(self) -> ServiceError | None:
        """The error that the call is answered with, if that is what goes wrong."""
        return ServiceError(*ERRORS[self.kind]) if self.kind in ERRORS else None

    def concerns(self, operation: str, has_token: bool) -> bool:
        """Whether a call of an operation can have this fault; ``has_token``: it asks for a page after the first."""
        if (self.kind == "empty-page" and operation != "Search") or (self.kind == "expired-token" and not has_token):
            return False
        return self.operation in (None, operation)


@dataclass
class Injected:
    """A fault at work."""

    fault: Fault
    spared: int = 0
    struck: int = 0
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 a repeatable fault, not a secret

    def strikes(self, operation: str, has_token: bool) -> bool:
        """Whether it befalls this call."""
        fault = self.fault
        if not fault.concerns(operation, has_token) or self.struck == fault.count:
            return False
        if self.spared < fault.after:
            self.spared += 1
            return False
        if self.random.random() >= fault.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults at work, in the order in which they were injected."""

    def __init__(self) -> None:
        self._injected: list[Injected] = []

    def inject(self, fault: Fault) -> None:
        """Set a fault to work."""
        self._injected.append(Injected(fault))

    def clear(self) -> None:
        """End every fault."""
        self._injected.clear()

    def active(self) -> list[Fault]:
        """The faults at work, spent ones too."""
        return [injected.fault for injected in self._injected]

    def befalling(self, operation: str, has_token: bool = False) -> Fault | None:
        """The fault of this call, if any: the first that strikes."""
        return next((injected.fault for injected in self._injected if injected.strikes(operation, has_token)), None)
