"""The answer that says no. Not here: when it is given."""

from __future__ import annotations

import msgspec


class ServiceError(Exception):
    """An error answer: the service's own code, a message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def as_json(self) -> bytes:
        """As services word it that speak JSON."""
        return msgspec.json.encode({"__type": self.code, "message": self.message})


def invalid(message: str) -> ServiceError:
    """The error for input that the service does not take."""
    return ServiceError("ValidationException", message)
