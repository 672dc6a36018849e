"""STS, the part that a harvest of several accounts needs: who am I, and may I be someone there. Query protocol, XML.

Credentials from AssumeRole belong to the account of the role; any others belong to nobody and see everything.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from pipelines.simulator.errors import ServiceError
from pipelines.simulator.fleet import Fleet

CONTENT_TYPE = "text/xml"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
DEFAULT_DURATION_SECONDS = 3600


class Sts:
    """Hands out credentials for the accounts of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._accounts = fleet.accounts or ["000000000000"]
        self._account_of_key: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._operations: dict[str, Callable[[Mapping[str, str], str], str]] = {
            "GetCallerIdentity": self._get_caller_identity,
            "AssumeRole": self._assume_role,
        }

    def account_of(self, access_key: str) -> str | None:
        """The account of a key that AssumeRole gave; None for any other key."""
        return self._account_of_key.get(access_key)

    def respond(self, action: str, form: Mapping[str, str], access_key: str) -> bytes:
        """The answer to a call; raises ``ServiceError``."""
        if action not in self._operations:
            raise ServiceError("InvalidAction", f"The simulator has no action {action}.")
        result = self._operations[action](form, access_key)
        return (
            f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
            f"<ResponseMetadata><RequestId>simulated</RequestId></ResponseMetadata></{action}Response>"
        ).encode()

    def _get_caller_identity(self, form: Mapping[str, str], access_key: str) -> str:
        assumed = self.account_of(access_key)
        account = assumed or self._accounts[0]
        arn = f"arn:aws:sts::{account}:assumed-role/simulated/session" if assumed else f"arn:aws:iam::{account}:root"
        return f"<Arn>{arn}</Arn><UserId>{escape(access_key)}</UserId><Account>{account}</Account>"

    def _assume_role(self, form: Mapping[str, str], access_key: str) -> str:
        role, session = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        parts = role.split(":")
        if len(parts) != 6 or not parts[5].startswith("role/") or not session:
            raise ServiceError("ValidationError", "AssumeRole needs the ARN of a role and a RoleSessionName.")
        account = parts[4]
        if account not in self._accounts:
            raise ServiceError("AccessDenied", f"Not authorized to perform: sts:AssumeRole on resource: {role}", 403)
        key = f"ASIASIMULATED{next(self._numbers):07d}"
        self._account_of_key[key] = account
        expires = datetime.fromtimestamp(time.time() + int(form.get("DurationSeconds", DEFAULT_DURATION_SECONDS)), UTC)
        name = parts[5].rpartition("/")[2]
        return (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>simulated</SecretAccessKey>"
            f"<SessionToken>simulated</SessionToken><Expiration>{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>{key}:{escape(session)}</AssumedRoleId>"
            f"<Arn>{escape(f'arn:aws:sts::{account}:assumed-role/{name}/{session}')}</Arn></AssumedRoleUser>"
        )


def error_body(error: ServiceError) -> bytes:
    """An error as the service words it."""
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{"Receiver" if error.status >= 500 else "Sender"}</Type>'
        f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        "<RequestId>simulated</RequestId></ErrorResponse>"
    ).encode()
