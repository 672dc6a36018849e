"""What came of one source, and what a failure of AWS means for the user. Not here: causing or catching either."""

from __future__ import annotations

from dataclasses import dataclass

from botocore import exceptions

from pipelines.errors import TrainyardError

_SIGN_IN = "sign in to AWS (as with `aws sso login`), or set AWS_PROFILE or access keys"
_NETWORK = "check the network and the endpoint, then run again"
_CODES = {
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "RequestExpired": _SIGN_IN,
    "AccessDenied": "allow it in IAM",
    "AccessDeniedException": "allow it in IAM",
    "InvalidClientTokenId": "check the access keys",
    "UnrecognizedClientException": "check the access keys",
    "InvalidSignatureException": "check the access keys and the clock",
    "SignatureDoesNotMatch": "check the access keys and the clock",
}
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.NoCredentialsError, _SIGN_IN),
    (exceptions.CredentialRetrievalError, _SIGN_IN),
    (exceptions.SSOError, _SIGN_IN),
    (exceptions.PartialCredentialsError, _SIGN_IN),
    (exceptions.ProfileNotFound, "correct the profile in trainyard.toml or AWS_PROFILE"),
    (exceptions.NoRegionError, "set AWS_REGION, or `regions` of the source in trainyard.toml"),
    (exceptions.HTTPClientError, _NETWORK),
)


@dataclass(frozen=True)
class Outcome:
    """One source's harvest or import: what was written to raw, at what cost, and the line that says what went wrong."""

    source: str
    documents: int
    calls: int
    batches: int
    error: str | None
    seconds: float


def explain(error: Exception) -> str:
    """One line that says what went wrong and, where that is known, what to do."""
    if isinstance(error, TrainyardError):
        return str(error)
    if isinstance(error, exceptions.ClientError):
        remedy = _CODES.get(error.response.get("Error", {}).get("Code", ""), "run again later")
    elif isinstance(error, exceptions.BotoCoreError):
        remedy = next((remedy for kind, remedy in _KINDS if isinstance(error, kind)), "check the AWS settings")
    elif isinstance(error, OSError):
        remedy = "correct this, then run again"
    else:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{' '.join(str(error).split()).rstrip('.')}: {remedy}"
