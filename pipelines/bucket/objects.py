"""The objects of a bucket below a prefix, by their names there.

Here: the few requests that Trainyard makes, writes only on a condition, and errors in one line. Not here: which objects
there are and when they are asked for (``mirror``), and who may write (``lease``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError
from s3transfer.manager import TransferConfig, TransferManager

from pipelines.errors import TrainyardError
from pipelines.harvest.first_contact import CONNECT_TIMEOUT_SECONDS, FirstContact
from pipelines.harvest.outcome import explain

TRANSFERS_AT_ONCE = 16
REMOVED_AT_ONCE = 1_000  # S3's limit for one request

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=10,
    max_pool_connections=TRANSFERS_AT_ONCE,
)
_TRANSFERS = TransferConfig(max_request_concurrency=TRANSFERS_AT_ONCE)
_MISSING = frozenset({"404", "NoSuchKey"})
_REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
# What is to be done about it, where AWS's words do not say.
_REMEDIES = {
    "403": "allow it in IAM, or check the access keys",
    "AccessDenied": "allow it in IAM (docs/iam-policy-bucket.json)",
    "InvalidAccessKeyId": "check the access keys",
    "NoSuchBucket": "create it, or correct TRAINYARD_HOME",
    "InvalidBucketName": "correct TRAINYARD_HOME",
    "NotImplemented": "the store must honour If-Match and If-None-Match when it is written to",
}


class ChangedMeanwhileError(TrainyardError):
    """Another process wrote an object first."""


@dataclass(frozen=True)
class Listed:
    """An object as a listing tells of it. ``etag`` changes whenever the content does; ``size`` is in bytes."""

    name: str
    etag: str
    size: int
    changed_at: datetime


@dataclass(frozen=True)
class Content:
    """An object's content, and how long ago it was written, in seconds of the service's own clock."""

    content: bytes
    etag: str
    age_seconds: float


class Bucket:
    """What is below ``s3://bucket/prefix``. Every method raises TrainyardError for what the service refuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def etag(self, name: str) -> str | None:
        """The ETag of an object; None if there is none."""
        head = self._head(name)
        return head["ETag"] if head else None

    def read(self, name: str) -> Content | None:
        """An object of a few megabytes at most; None if there is none."""
        with self._asked_for(name):
            try:
                answer = self._client.get_object(**self._of(name))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            age_seconds = (now - answer["LastModified"]).total_seconds()
            return Content(answer["Body"].read(), answer["ETag"], age_seconds)

    def write(self, name: str, content: bytes, held: str | None) -> str:
        """Write an object and give its ETag.

        Raises ChangedMeanwhileError, and writes nothing, unless the object is still the one with the ETag ``held``, or
        for None unless there is none.
        """
        token = uuid.uuid4().hex
        condition = {"IfMatch": held} if held else {"IfNoneMatch": "*"}
        with self._asked_for(name):
            try:
                answer = self._client.put_object(**self._of(name), Body=content, Metadata={"write": token}, **condition)
            except ClientError as error:
                if _code(error) not in _REFUSED:
                    raise
            else:
                return str(answer["ETag"])
        # A request whose answer was lost was sent again, and then met what it had written itself.
        found = self._head(name)
        if found and found["Metadata"].get("write") == token:
            return str(found["ETag"])
        raise ChangedMeanwhileError(f"{self._place(name)} was written by another process meanwhile: run again")

    def listed(self, after: str, before: str | None = None) -> Iterator[Listed]:
        """The objects whose names sort after one name and, unless None, before another, in order.

        Those whose names would be no file below a folder are left out.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, StartAfter=self._prefix + after
        )
        with self._asked_for(""):
            for page in pages:
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(self._prefix)
                    if before is not None and name >= before:
                        return
                    if name.endswith("/") or ".." in name.split("/"):
                        continue
                    yield Listed(name, found["ETag"], found["Size"], found["LastModified"])

    def upload(self, files: Mapping[str, Path]) -> None:
        """Write objects of any size, by their names, whether or not they are there."""
        if not files:
            return
        with TransferManager(self._client, _TRANSFERS) as transfers:
            coming = {name: transfers.upload(str(path), **self._at(name)) for name, path in files.items()}
            for name, transfer in coming.items():
                with self._asked_for(name):
                    transfer.result()

    def download(self, files: Mapping[str, Path]) -> None:
        """Read objects of any size into files; where there is no such object, there will be no file."""
        if not files:
            return
        with TransferManager(self._client, _TRANSFERS) as transfers:
            coming = {name: transfers.download(**self._at(name), fileobj=str(path)) for name, path in files.items()}
            for name, transfer in coming.items():
                with self._asked_for(name):
                    try:
                        transfer.result()
                    except ClientError as error:
                        if _code(error) not in _MISSING:
                            raise

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, whether or not they are there."""
        keys = [{"Key": self._prefix + name} for name in names]
        with self._asked_for(""):
            for start in range(0, len(keys), REMOVED_AT_ONCE):
                some = {"Objects": keys[start : start + REMOVED_AT_ONCE], "Quiet": True}
                for error in self._client.delete_objects(Bucket=self._bucket, Delete=some).get("Errors", ()):
                    raise ClientError({"Error": error}, "DeleteObjects")

    def _head(self, name: str) -> dict[str, Any] | None:
        with self._asked_for(name):
            try:
                found: dict[str, Any] = self._client.head_object(**self._of(name))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            return found

    def _of(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + name}

    def _at(self, name: str) -> dict[str, str]:
        """The same, as transfers are told."""
        return {"bucket": self._bucket, "key": self._prefix + name}

    def _place(self, name: str) -> str:
        return f"{self.url}/{name}" if name else self.url

    @cached_property
    def _client(self) -> Any:
        with self._asked_for(""):
            try:
                client = boto3.session.Session().client("s3", config=_CONFIG)
            except ValueError as error:
                if isinstance(error, BotoCoreError):
                    raise
                raise TrainyardError(f"{error}: correct AWS_ENDPOINT_URL_S3 or the AWS configuration") from None
        FirstContact(client)
        return client

    @contextmanager
    def _asked_for(self, name: str) -> Iterator[None]:
        """Tell in one line what the service refuses."""
        try:
            yield
        except ClientError as error:
            remedy = _REMEDIES.get(_code(error))
            said = f"{' '.join(str(error).split()).rstrip('.')}: {remedy}" if remedy else explain(error)
            raise TrainyardError(f"{self._place(name)}: {said}") from None
        except BotoCoreError as error:
            raise TrainyardError(f"{self._place(name)}: {explain(error)}") from None
        except RetriesExceededError as error:
            raise TrainyardError(f"{self._place(name)}: {explain(error.last_exception)}") from None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
