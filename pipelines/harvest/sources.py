"""The sources to harvest: from settings to an account, a region and a client that may ask it.

Here: sessions, roles, regions, names. Not here: what is asked of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, NoCredentialsError, NoRegionError
from botocore.parsers import ResponseParserError

from pipelines.config import ROLE_ARN, Settings, SourceSettings
from pipelines.errors import TrainyardError
from pipelines.harvest.first_contact import CONNECT_TIMEOUT_SECONDS, FirstContact
from pipelines.harvest.limiter import Limiter
from pipelines.harvest.outcome import FAILURES, Outcome, explain
from pipelines.home import Home
from pipelines.service_model import loader, service_model

# Adaptive: each client slows down by itself when the account's rate, which it shares with everyone, is exceeded.
_HARVESTED = Config(
    retries={"mode": "adaptive", "total_max_attempts": 10},
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=60,
)
# Whoever is asked for credentials and identity answers at once, or the settings are to be looked at.
_OTHERS = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=CONNECT_TIMEOUT_SECONDS, read_timeout=5
)
MOST_ASKED_AT_ONCE = 16
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".aws", ".ic.gov", ".sgov.gov", ".adc-e.uk")
_REGION_OF_NO_REGION = "us-east-1"


@dataclass(frozen=True)
class Source:
    """An account in a region, and a client of SageMaker there; account_id is None where only an endpoint is known.

    ``new_client(service, in_region)`` makes another one with credentials asked for anew: of SageMaker or the service
    that is named, in the source's region or the one that is named. The calls of all, retries too, pass one limiter.
    """

    name: str
    account_id: str | None
    region: str
    client: Any
    new_client: Callable[..., Any]


def find_sources(settings: Settings) -> list[Source | Outcome]:
    """Every source that the settings name, once; an outcome, with its error, for what cannot be one.

    Raises TrainyardError where the data directory is a demo's, and they are not.
    """
    Home(settings.home).see_that_jobs_belong(os.environ.get("AWS_ENDPOINT_URL"))
    service_model()  # read before threads would each read it
    with ThreadPoolExecutor(MOST_ASKED_AT_ONCE) as threads:
        found = threads.map(partial(_sources_or_outcome, calls_per_second=settings.calls_per_second), settings.sources)
        by_name: dict[str, Source | Outcome] = {}
        for sources in found:
            for source in sources:
                by_name.setdefault(source.name if isinstance(source, Source) else source.source, source)
    return list(by_name.values())


def _sources_or_outcome(wanted: SourceSettings, calls_per_second: float) -> list[Source] | list[Outcome]:
    try:
        return list(_sources(wanted, calls_per_second))
    except FAILURES as error:
        name = wanted.role_arn or wanted.profile or "default"
        return [Outcome(name, 0, 0, 0, explain(error), 0.0)]


def _sources(wanted: SourceSettings, calls_per_second: float) -> Iterator[Source]:
    session = _session(wanted)
    default_region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    regions = wanted.regions or (default_region or _REGION_OF_NO_REGION,)
    _take_role(session, wanted, regions[0])
    clients = {region: _client(session, "sagemaker", region) for region in dict.fromkeys(regions)}
    endpoint = clients[regions[0]].meta.endpoint_url
    if not wanted.regions and not default_region and _is_aws(endpoint):
        raise NoRegionError()
    sts = _client(session, "sts", regions[0])
    role = ROLE_ARN.fullmatch(wanted.role_arn or "")
    if role:
        account_id = role["account_id"]
    elif _is_aws(endpoint) or not _is_aws(sts.meta.endpoint_url):
        account_id = _asked(sts.get_caller_identity)["Account"]
    else:  # a SageMaker of one's own: its credentials are none of AWS's business
        account_id = None
    for region, client in clients.items():
        limiter = Limiter(calls_per_second)
        new_client = partial(_new_client, wanted, region, limiter)
        yield Source(
            _name(account_id, region, endpoint, wanted), account_id, region, _limited(client, limiter), new_client
        )


def _name(account_id: str | None, region: str, endpoint: str, wanted: SourceSettings) -> str:
    if account_id:
        return f"{account_id}-{region}"
    host = re.sub(r"[^\w.]+", "-", urlsplit(endpoint).netloc)
    return f"{host}-{region}" if wanted.regions else host


def _limited(client: Any, limiter: Limiter) -> Any:
    client.meta.events.register(f"before-send.{client.meta.service_model.service_id.hyphenize()}", limiter.wait)
    return client


def _new_client(
    wanted: SourceSettings, region: str, limiter: Limiter, service: str = "sagemaker", in_region: str | None = None
) -> Any:
    """A client of a session of its own, which asks for credentials anew."""
    session = _session(wanted)
    _take_role(session, wanted, region)
    return _limited(_client(session, service, in_region or region), limiter)


def _take_role(session: Any, wanted: SourceSettings, region: str) -> None:
    if wanted.role_arn:
        session.register_component("credential_provider", _Role(wanted, region))


def _session(wanted: SourceSettings) -> Any:
    session = botocore.session.Session(profile=wanted.profile)
    session.register_component("data_loader", loader())  # of its own, each session would read 5 MB of JSON anew
    session.set_default_client_config(_OTHERS)  # for botocore's own clients too, which get it credentials
    return session


def _client(session: Any, service: str, region: str, **credentials: str) -> Any:
    config = _OTHERS if service == "sts" else _HARVESTED
    try:
        client = session.create_client(service, region_name=region, config=config, **credentials)
    except ValueError as error:
        if isinstance(error, BotoCoreError):
            raise
        raise TrainyardError(f"{error}: correct AWS_ENDPOINT_URL… or endpoint_url in the AWS configuration") from None
    if service == "sts":
        FirstContact(client)  # SageMaker's own is watched by ``calls``
    return client


def _asked(ask: Callable[[], Any]) -> Any:
    """What STS answers; asked once more where the answer was cut short, which botocore does not try again."""
    try:
        return ask()
    except ResponseParserError:
        return ask()


class _Role:
    """Gives a session the credentials of a role, renewed before they expire."""

    def __init__(self, wanted: SourceSettings, region: str) -> None:
        self._wanted = wanted
        self._region = region

    def load_credentials(self) -> DeferredRefreshableCredentials:
        """What botocore asks of a session's component ``credential_provider``."""
        own = _session(self._wanted)
        credentials = own.get_credentials()
        if credentials is None:
            raise NoCredentialsError()
        external_id = {"ExternalId": self._wanted.external_id} if self._wanted.external_id else {}
        fetcher = AssumeRoleCredentialFetcher(
            partial(_client, own, region=self._region),
            credentials,
            self._wanted.role_arn,
            extra_args={"RoleSessionName": "trainyard", **external_id},
        )
        return DeferredRefreshableCredentials(partial(_asked, fetcher.fetch_credentials), "assume-role")


def _is_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_AWS_HOSTS)
