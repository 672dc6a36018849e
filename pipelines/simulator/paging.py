"""Pages of answers, and the tokens that name them, each bound to what was asked. Not here: what is on a page."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any, TypeVar

import msgspec

from pipelines.simulator.errors import invalid

Parameters = dict[str, Any]
Thing = TypeVar("Thing")


def question_of(operation: str, parameters: Parameters) -> str:
    """What is asked, whatever the page: tokens are bound to it."""
    asked = {name: value for name, value in parameters.items() if name not in ("NextToken", "MaxResults")}
    encoded = msgspec.json.encode([operation, asked], order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:32]


def token_at(question: str, position: int) -> str:
    """The token that stands for a position among the answers to a question."""
    # Never the same twice: boto3's paginator takes a token that comes back for a loop.
    return base64.urlsafe_b64encode(f"{question}:{position}:{secrets.token_hex(4)}".encode()).decode()


def start_of(question: str, parameters: Parameters) -> int:
    """The position that the request's token stands for; 0 without one."""
    if not parameters.get("NextToken"):
        return 0
    try:
        bound_to, position, _ = base64.urlsafe_b64decode(parameters["NextToken"]).decode().split(":")
    except ValueError:  # of base64 or of its content
        bound_to, position = "", ""
    if bound_to != question or not position.isdigit():
        raise invalid("The NextToken is not one of this query.")
    return int(position)


def page_of(things: list[Thing], question: str, parameters: Parameters, default: int) -> tuple[list[Thing], Parameters]:
    """The page that is asked for, and the member that names the next one, if there is one."""
    start = start_of(question, parameters)
    end = start + parameters.get("MaxResults", default)
    return things[start:end], {"NextToken": token_at(question, end)} if end < len(things) else {}
