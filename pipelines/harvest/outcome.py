"""What came of one source, kept for `trainyard status`, and what a failure of AWS means for the user.

    outcomes/<kind>.json

Not here: causing or catching either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from botocore import exceptions
from botocore.parsers import ResponseParserError

from pipelines.errors import TrainyardError
from pipelines.files import write_whole
from pipelines.home import Home

HARVEST, VERIFICATION, CLOUDWATCH = "harvest", "verification", "cloudwatch"  # the kinds of outcomes that are kept

_SIGN_IN = "sign in to AWS (as with `aws sso login`), or set AWS_PROFILE or access keys"
_NETWORK = "check the network, the region and the endpoint, then run again"
_CODES = {
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "RequestExpired": _SIGN_IN,
    "AccessDenied": "allow it in IAM",
    "AccessDeniedException": "allow it in IAM",
    "InvalidClientTokenId": "check the access keys",
    "UnrecognizedClientException": "check the access keys, and that the region is one of the account's",
    "InvalidSignatureException": "check the access keys and the clock",
    "SignatureDoesNotMatch": "check the access keys and the clock",
}
# Where AWS quotes the request that it refused: signature, session token and all.
_SIGNATURE = re.compile(r"canonical|security-token|signature=|AWS4-HMAC", re.IGNORECASE)
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.NoCredentialsError, _SIGN_IN),
    (exceptions.CredentialRetrievalError, _SIGN_IN),
    (exceptions.SSOError, _SIGN_IN),
    (exceptions.PartialCredentialsError, _SIGN_IN),
    (exceptions.ProfileNotFound, "correct the profile in trainyard.toml or AWS_PROFILE"),
    (exceptions.NoRegionError, "set AWS_REGION, or `regions` of the source in trainyard.toml"),
    (exceptions.HTTPClientError, _NETWORK),
    (exceptions.ConnectionError, _NETWORK),
)


# What goes wrong outside of this program: with the service, the network, the disk or the settings.
FAILURES = (exceptions.BotoCoreError, exceptions.ClientError, ResponseParserError, OSError, TrainyardError)


@dataclass(frozen=True)
class Outcome:
    """What came of one source: how much, at what cost, and what went wrong.

    ``documents`` are those written to raw, of CloudWatch the points that were kept, of prices and quotas the rows that
    were told; ``batches`` is in how many parts these were kept. ``error`` is one line, ``warnings`` are lines that tell
    what could not be asked in full.
    """

    source: str
    documents: int
    calls: int
    batches: int
    error: str | None
    seconds: float
    warnings: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True):
    """The outcomes of the last time that all sources were gone through, and when that ended, in epoch seconds."""

    ended_at: float
    outcomes: list[Outcome]


def keep_outcomes(home: Path, kind: str, outcomes: Sequence[Outcome], ended_at: float) -> None:
    """Keep these outcomes in place of the last ones of their kind."""
    write_whole(home / "outcomes" / f"{kind}.json", msgspec.json.encode(Kept(ended_at, list(outcomes))))


def kept_outcomes(home: Path, kind: str) -> Kept | None:
    """The last outcomes of a kind; None if there never were any."""
    path = home / "outcomes" / f"{kind}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = f"{Home(home).removal(path)}, the next run writes it anew"
        raise TrainyardError(f"{path} cannot be read ({error}): {remedy}") from None


def told(outcome: Outcome, things: str = "documents") -> str:
    """The outcome as a line; ``things``: what its documents are."""
    if outcome.error:
        return f"{outcome.source}: {outcome.error}"
    return f"{outcome.source}: {outcome.documents:,} new {things} with {outcome.calls:,} calls"


def explain(error: Exception) -> str:
    """One line that says what went wrong and, where that is known, what to do."""
    if isinstance(error, TrainyardError):
        return str(error)
    if isinstance(error, ResponseParserError):  # its text quotes the answer, which may be credentials
        return f"an answer of AWS was cut short: {_NETWORK}"
    if isinstance(error, exceptions.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        remedy = _CODES.get(code, "run again later")
        if _SIGNATURE.search(str(error)):
            return f"{code} when calling {error.operation_name}: {remedy}"
    elif isinstance(error, exceptions.BotoCoreError):
        remedy = next((remedy for kind, remedy in _KINDS if isinstance(error, kind)), "check the AWS settings")
    elif isinstance(error, OSError):
        remedy = "correct this, then run again"
    else:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{' '.join(str(error).split()).rstrip('.')}: {remedy}"
